#!/usr/bin/env python3
"""Cuts the course's typefaces down to the glyphs it uses: static TTF files that stb_truetype loads.

    subset.py FOLDER [--fonts FOLDER_OF_THE_WHOLE_FONTS] [--check TEXT_FILE...]

Skips its work when FOLDER is newer than this script and the fonts. `--check` lists the characters of UTF-8 text files
(lesson texts, for instance) that the text typefaces do not have, and fails when there are any.
"""
import argparse
import os
import sys
from pathlib import Path

LATIN = (
    "".join(map(chr, range(0x20, 0x7F)))  # Basic Latin
    + "".join(map(chr, range(0xA0, 0x100)))  # Latin-1: Spanish, ¿ ¡ « » × ÷ ± · ² ³ º ª
    + "ĀāĒēĪīŌōŪūŒœŠšŸŽžŴŵŶŷŁłÇçŐőŰűČčĆćŃńŚśŻżĞğİıŞş"  # names; ŷ and ŵ for estimates
)
GREEK = "".join(chr(c) for c in range(0x391, 0x3CA) if c != 0x3A2) + "ϕϵάέήίόύώ"
PUNCTUATION = "\u2009\u200A\u202F\u2002\u2003\u2007\u2010\u2011‒–—―‘’‚“”„†‡•…‰′″‹›€№™"
SUPER_SUB = "⁰ⁱ⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₖₙᵢⱼ"
FRACTIONS = "⅓⅔¼½¾⅛"
ARROWS = "←↑→↓↔↕↖↗↘↙↦↩↪↶↷↺↻⇄⇐⇒⇔⟳⟲⟵⟶⟼"
MATHS = "∀∂∃∅∆∇∈∉∏∑−∓∕∖∗∘∙√∛∝∞∠∥∧∨∩∪∫∴∼≃≅≈≠≡≤≥≪≫⊂⊆⊕⊗⊙⊤⊥⋅⋮⋯⋱⌈⌉⌊⌋⟨⟩ℓℝℕℤ‖ℎ"
COMBINING = "\u0300\u0301\u0302\u0303\u0304\u0305\u0307\u0308\u20D7"
SHAPES = "■□▢▪▫▲△▶▷▸▼▽▾◀◁◂◆◇○◌●◎◐◑◒◓◔◕◖◗◯▏▎▍▌▋▊▉█░▒▓─│┌┐└┘├┤┬┴┼╭╮╯╰"
ICONS = "❚⏸⏵⏹⏺⏭⏮☀☾☼✎✏⚠✓✔✕✗✘★☆⚙⌫⏎⌘⌥⇧⇥⎋⏻⌂☰⋯⋮☞"
TEXT = LATIN + GREEK + PUNCTUATION + SUPER_SUB + FRACTIONS + ARROWS + MATHS + COMBINING + SHAPES + ICONS

# Formulas: letters in italics; digits, operators and brackets upright, from the mathematical typeface. The latter has
# its italic letters outside the Basic Multilingual Plane, which Dear ImGui's 16-bit characters cannot reach.
ITALIC = "".join(map(chr, range(0x41, 0x5B))) + "".join(map(chr, range(0x61, 0x7B))) + " áéíóúñ" + "ŷŵ" + GREEK + COMBINING + "∂ℓℎ,.'′()"
MATH = (
    "".join(map(chr, range(0x20, 0x7F))) + "·×÷±¬²³¹°" + GREEK + "\u2009\u200A\u202F…′″‖" + SUPER_SUB + MATHS
    + COMBINING + "←↑→↓↔↦⇐⇒⇔⟵⟶⟼"
    + "⎛⎜⎝⎞⎟⎠⎡⎢⎣⎤⎥⎦⎧⎨⎩⎪⎫⎬⎭⎮⎯⎷"  # pieces of tall brackets
)
# Headings need no formulas; code needs no formulas and few signs.
HEADING = LATIN + PUNCTUATION + "αβγδεηθλμπρσφωΔΣΠ∇∂∑√∞≈≠≤≥−←→↑↓′"
CODE = (LATIN + PUNCTUATION + "αβγδεηθλμπρστφωΔΣ∇∂∑∏√∞≈≠≤≥−·×÷±∈←→↑↓↔⇒" + "⁰ⁱ⁴⁵⁶⁷⁸⁹⁺⁻ⁿ₀₁₂₃₄₅₆₇₈₉ᵢ" + "●○■□▲▶▼◀◆✓✗⋯⋮"
        + "─│┌┐└┘├┤┬┴┼╭╮╯╰▏▎▍▌▋▊▉█░▒▓⠿")

# file | source | place on its variation axes | characters
FACES = [
    ("Inter-Regular.ttf", "InterVariable.ttf", {"wght": 400, "opsz": 14}, TEXT),
    ("Inter-SemiBold.ttf", "InterVariable.ttf", {"wght": 600, "opsz": 14}, LATIN + GREEK + PUNCTUATION + SUPER_SUB + "←→↑↓↶↷↺" + MATHS + "✓⚠●○"),
    ("InterDisplay-SemiBold.ttf", "InterVariable.ttf", {"wght": 600, "opsz": 32}, HEADING),
    ("JetBrainsMono-Regular.ttf", "JetBrainsMono-Regular.ttf", {}, CODE),
    ("JetBrainsMono-SemiBold.ttf", "JetBrainsMono-SemiBold.ttf", {}, "".join(map(chr, range(0x20, 0x7F))) + "·×−–—…áéíóúñÁÉÍÓÚÑü¿¡°±≈≤≥→←\u2009\u202F"),
    ("STIXTwoText-Italic.ttf", "STIXTwoText-Italic.ttf", {}, ITALIC),
    ("STIXTwoMath-Regular.ttf", "STIXTwoMath-Regular.ttf", {}, MATH),
]
# What a page cannot do without, per face: the build fails when a new version of a typeface lacks one of these.
REQUIRED = "áéíóúñüÁÉÍÓÚÑ¿¡«»·×−—…"


SYSTEM_PYTHON = "/usr/bin/python3"


def need_fonttools():
    """Debian's python3-fonttools belongs to the system's Python, which need not be the first on PATH."""
    try:
        import fontTools  # noqa: F401
    except ImportError:
        if os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON) and os.path.exists(SYSTEM_PYTHON):
            os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
        sys.exit("error: the Python module fontTools is missing.\n  Install python3-fonttools, or run web/toolchain/setup.sh web.")


def whole_fonts_folder():
    cache = os.environ.get("NEURONA_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "neurona")
    return Path(cache) / "fonts"


def add_spaces(font):
    """Thin and narrow no-break space where a typeface lacks them: numbers are grouped with them."""
    from fontTools.ttLib.tables._g_l_y_f import Glyph

    lacking = [c for c in (0x2009, 0x202F) if c not in font.getBestCmap()]
    if not lacking or "glyf" not in font:
        return
    name = "neurona.thinspace"
    font.setGlyphOrder([*font.getGlyphOrder(), name])
    font["glyf"][name] = Glyph()
    font["hmtx"][name] = (round(font["head"].unitsPerEm * 0.2), 0)
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap.update(dict.fromkeys(lacking, name))


def cut(source, target, place, characters):
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    options = subset.Options()
    options.layout_features = []  # Dear ImGui shapes nothing
    options.hinting = False
    options.glyph_names = False
    options.name_IDs = [0, 1, 2, 4, 6, 13, 14]  # the licence stays inside
    options.name_languages = [0x409]
    options.notdef_outline = True
    options.drop_tables += ["GPOS", "GSUB", "GDEF", "BASE", "MATH", "STAT", "meta", "DSIG", "gasp", "prep", "cvt ", "fpgm", "kern"]
    font = TTFont(source, lazy=False)
    add_spaces(font)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes={ord(c) for c in characters})
    cutter.subset(font)
    if place and "fvar" in font:
        font = instancer.instantiateVariableFont(font, place, inplace=True, overlap=instancer.OverlapMode.KEEP_AND_SET_FLAGS)
    for table in ("STAT", "avar", "HVAR", "MVAR"):
        if table in font:
            del font[table]
    # stb_truetype wants plain tables; the timestamp would make each build differ.
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".new")
    font.save(temporary)
    temporary.replace(target)
    return {chr(c) for c in font.getBestCmap()}


def characters_of(path):
    from fontTools.ttLib import TTFont
    return {chr(c) for c in TTFont(path).getBestCmap()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fonts", type=Path, default=whole_fonts_folder())
    parser.add_argument("--check", type=Path, nargs="*", default=[])
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--missing", action="store_true", help="list the wished characters that a typeface does not have")
    arguments = parser.parse_args()

    sources = [arguments.fonts / source for _, source, _, _ in FACES]
    absent = [str(s) for s in sources if not s.is_file()]
    if absent:
        sys.exit(f"error: not found: {', '.join(absent)}\n  Run web/toolchain/setup.sh web (or ./run setup) first.")
    newest = max(p.stat().st_mtime for p in [Path(__file__), *sources])
    targets = [arguments.folder / name for name, *_ in FACES]
    fresh = not arguments.force and all(t.is_file() and t.stat().st_mtime >= newest for t in targets)
    if not fresh or arguments.missing or arguments.check:
        need_fonttools()
    if not fresh or arguments.missing:
        total = 0
        for (name, _, place, characters), source, target in zip(FACES, sources, targets):
            have = characters_of(target) if fresh else cut(source, target, place, characters)
            lacking = "".join(sorted(set(characters) - have))
            size = target.stat().st_size
            total += size
            print(f"{name:28} {size / 1000:7.1f} kB  {len(have):4} glyphs", end="")
            print(f"  without {lacking}" if arguments.missing and lacking else "")
            if name.startswith("Inter") or name == "JetBrainsMono-Regular.ttf":
                missing = set(REQUIRED) - have
                if missing:
                    sys.exit(f"error: {name} lacks {''.join(sorted(missing))}: this version of the typeface cannot be used.")
        print(f"{'all':28} {total / 1000:7.1f} kB")

    if arguments.check:
        have = characters_of(targets[0]) | characters_of(targets[-1]) | {"\n", "\r", "\t", "\ufeff"}
        bad = False
        for path in arguments.check:
            lacking = sorted(set(path.read_text(encoding="utf-8")) - have)
            if lacking:
                bad = True
                print(f"{path}: no typeface has " + " ".join(f"{c} (U+{ord(c):04X})" for c in lacking), file=sys.stderr)
        if bad:
            sys.exit(1)


if __name__ == "__main__":
    main()
