"""Program → C. All C text lives in ``templates``; Python here only gathers what the templates print."""
