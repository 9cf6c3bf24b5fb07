"""Names from a model, made safe: C identifiers that are unique, short and never a keyword; text to print."""

from __future__ import annotations

import re

_KEYWORDS = frozenset({
    "auto", "bool", "break", "case", "char", "const", "continue", "default", "do", "double", "else",
    "enum", "extern", "false", "float", "for", "goto", "if", "inline", "int", "long", "register",
    "restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch", "true", "typedef",
    "union", "unsigned", "void", "volatile", "while", "alignas", "alignof", "and", "and_eq", "asm",
    "atomic", "bitand", "bitor", "catch", "class", "compl", "concept", "const_cast", "constexpr",
    "constinit", "consteval", "decltype", "delete", "dynamic_cast", "explicit", "export", "friend",
    "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or", "or_eq",
    "private", "protected", "public", "reinterpret_cast", "requires", "static_assert", "static_cast",
    "template", "this", "thread_local", "throw", "try", "typeid", "typename", "using", "virtual",
    "wchar_t", "xor", "xor_eq", "int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t",
    "uint64_t", "size_t", "errno", "stdin", "stdout", "stderr", "assert", "linux", "unix", "i386",
    "arena", "in", "out", "main", "status",
})  # fmt: skip
"""Keywords of C and C++, types and macros of their headers, and the names that emitted functions use."""

_FILES = frozenset({
    "all", "alloca", "assert", "aux", "clean", "complex", "con", "ctype", "depend", "edit_cache", "endian",
    "errno", "features", "fenv", "float", "help", "install", "inttypes", "iso646", "limits", "locale",
    "malloc", "math", "memory", "newlib", "nul", "package", "package_source", "poll", "prn", "pthread",
    "rebuild_cache", "reent", "sched", "search", "setjmp", "signal", "stdalign", "stdarg", "stdatomic",
    "stdbool", "stddef", "stdint", "stdio", "stdlib", "stdnoreturn", "string", "strings", "test", "tgmath",
    "threads", "time", "uchar", "unistd", "values", "wchar", "wctype",
})  # fmt: skip
"""Headers of C libraries, targets of CMake, devices of Windows: what no file or library may be called."""

_LONGEST = 32


def identifier(text: str, fallback: str) -> str:
    """A lower-case C identifier of at most 32 characters that still reads like ``text``."""
    words = re.findall(r"[A-Za-z0-9]+", text)
    name = "_".join(words).lower()[:_LONGEST].rstrip("_")
    if not name or name in _KEYWORDS:
        name = f"{fallback}_{name}" if name else fallback
    return f"{fallback}_{name}" if name[0].isdigit() else name


def model_identifier(text: str) -> str:
    """The identifier that a model's files, functions and CMake target are named after."""
    name = identifier(text, "model")
    return f"model_{name}" if name in _FILES or name.startswith("tinyc") else name


def printable(text: str) -> str:
    """``text`` in one line for a terminal: control characters are escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class Names:
    """Hands out identifiers, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, text: str, fallback: str) -> str:
        """``identifier(text)``, with a number behind it where that is taken."""
        base = name = identifier(text, fallback)
        count = 1
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name
