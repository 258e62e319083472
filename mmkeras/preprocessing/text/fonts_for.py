from __future__ import annotations

import warnings
from collections.abc import Iterable

# Of Linux, Windows, macOS, and what is installed by hand.
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
    """Fonts that matplotlib can draw texts with, in the order to look for a character.

    Warns if there are characters that none of them has; the remedy is in the warning.

    Args:
        texts: strings.

    Returns:
        list of strings, the families: DejaVu Sans, which comes with matplotlib, and the
        installed ones with Chinese, Japanese and Korean characters. Matplotlib warns
        of those that are not installed, so they are left out.
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
            f"No font has {''.join(sorted(missing))[:20]!r}, which is drawn as boxes. "
            "Install one: for Chinese, Japanese and Korean on Debian or Ubuntu, "
            "apt install fonts-noto-cjk. Fonts in use: " + ", ".join(families),
            stacklevel=2,
        )
    return families
