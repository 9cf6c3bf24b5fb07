"use strict";
(() => {
  const charts = [...document.querySelectorAll(".chart")];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 40rem)");
  const touched = matchMedia("(pointer: coarse)").matches;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // What plotly draws around the data, in the colours of the style sheet.
  const template = () => {
    const axis = { gridcolor: colour("--line"), linecolor: colour("--line"), tickcolor: colour("--line") };
    return {
      data: { heatmap: [{ textfont: { color: colour("--ink") } }] },
      layout: {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { color: colour("--ink"), family: "system-ui, sans-serif", size: narrow.matches ? 11 : 13 },
        xaxis: axis, yaxis: axis,
        hoverlabel: { bgcolor: colour("--surface"), bordercolor: colour("--line"), font: { color: colour("--ink") }, align: "left" },
        modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--soft"), activecolor: colour("--ink") },
      },
    };
  };

  const config = {
    responsive: true, displaylogo: false, displayModeBar: touched || narrow.matches ? false : "hover",
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  };

  const draw = (div) => {
    const figure = JSON.parse(document.getElementById(div.id.replace("chart-", "data-")).textContent);
    // a finger that scrolls the page must not be taken for one that zooms
    const layout = { ...figure.layout, template: template(), dragmode: touched ? false : "zoom" };
    const { ticktext, tickvals } = layout.xaxis;
    if (narrow.matches && ticktext) {
      const every = Math.ceil(ticktext.length / 10), kept = (_, index) => index % every === 0;
      layout.xaxis = { ...layout.xaxis, ticktext: ticktext.filter(kept), tickvals: tickvals.filter(kept) };
    }
    return Plotly.newPlot(div, figure.data, layout, config);
  };

  const retint = () => charts.forEach((div) => Plotly.relayout(div, { template: template() }));

  const zoom = (button) => {
    Plotly.relayout(`chart-${button.dataset.chart}`, { "yaxis.range": JSON.parse(button.dataset.range) });
    button.parentElement.querySelectorAll("button").forEach((other) => other.setAttribute("aria-pressed", other === button));
  };

  // Sorts the rows of a header's table; what has no value stays last, and equals keep their order.
  const sort = (header) => {
    const column = header.cellIndex, body = header.closest("table").tBodies[0];
    const numeric = header.classList.contains("number");
    const ascending = header.getAttribute("aria-sort") === (numeric && column > 0 ? "descending" : "none");
    const value = (row) => row.cells[column].dataset.value;
    const compare = (a, b) => (numeric ? Number(a) - Number(b) : a.localeCompare(b));
    const rows = [...body.rows].sort((one, other) => {
      const a = value(one), b = value(other);
      if (a === "" || b === "") return (a === "") - (b === "");
      return ascending ? compare(a, b) : compare(b, a);
    });
    header.parentElement.querySelectorAll("th").forEach((th) => th.setAttribute("aria-sort", "none"));
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    body.append(...rows);
  };

  document.querySelectorAll(".sortable th").forEach((th) => th.firstElementChild.addEventListener("click", () => sort(th)));
  document.querySelectorAll(".zooms button").forEach((button) => button.addEventListener("click", () => zoom(button)));
  dark.addEventListener("change", retint);
  narrow.addEventListener("change", retint);
  addEventListener("beforeprint", () => charts.forEach((div) => Plotly.relayout(div, { template: template(), width: 700 })));
  addEventListener("afterprint", () => charts.forEach((div) => Plotly.relayout(div, { template: template(), width: null, autosize: true })));

  Promise.all(charts.map(draw)).then(() => document.documentElement.setAttribute("data-drawn", charts.length));
})();
