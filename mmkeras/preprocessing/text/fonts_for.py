from __future__ import annotations

import warnings
from collections.abc import Iterable

# Common fonts of Linux, Windows and macOS.
_CHINESE_JAPANESE_KOREAN = (
    "Noto Sans CJK SC",
    "Noto Sans CJK TC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "Microsoft YaHei",
    "SimHei",
    "SimSun",
    "Malgun Gothic",
    "PingFang SC",
    "Hiragino Sans GB",
    "STHeiti",
    "Arial Unicode MS",
)


def fonts_for(texts: Iterable[str]) -> list[str]:
    """Finds installed fonts with which matplotlib can draw texts.

    Warns if no font has some of the characters; the warning gives the remedy.

    Args:
        texts: iterable of strings.

    Returns:
        list of strings, font families in the order in which matplotlib should search
        them: DejaVu Sans, which comes with matplotlib, and the installed fonts with
        Chinese, Japanese and Korean characters.

    Example:
        ```python
        with matplotlib.rc_context({"font.family": fonts_for(["海滩上有一只猫"])}):
            plt.title("海滩上有一只猫")
        ```
    """
    from matplotlib import font_manager

    files = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist}
    families = [name for name in _CHINESE_JAPANESE_KOREAN if name in files]
    families = ["DejaVu Sans", *families]
    missing = {char for text in texts for char in text if char.isprintable()}
    for family in families:
        if not missing:
            break
        path = files.get(family) or font_manager.findfont(family)
        known = font_manager.get_font(path).get_charmap()
        missing = {char for char in missing if ord(char) not in known}
    if missing:
        warnings.warn(
            f"No installed font has the characters {''.join(sorted(missing))[:20]!r}; "
            "they are drawn as boxes. Install one: for Chinese, Japanese and Korean on "
            "Debian or Ubuntu, apt install fonts-noto-cjk. Fonts in use: "
            + ", ".join(families),
            stacklevel=2,
        )
    return families
