#!/usr/bin/env python3
"""Makes the course's fonts, and its lesson texts with the snippets they quote, a part of programs and of the site.

    embed.py fonts OUT.cpp FOLDER
    embed.py lessons OUT.cpp ROOT     the catalog of all lessons, and the texts that the page shows first
    embed.py bundles OUT.cpp ROOT FONTS  what a page fetches: the other texts and typefaces, for programs without a server
    embed.py site SITE ROOT FONTS     the same as files: SITE/lessons/ID.json, SITE/fonts/

Lessons are ROOT/assets/lessons/ID/{lesson.json,es.md,en.md}; a bundle is these three and the snippets in one JSON.

A snippet "path#name" is what stands between the lines `// [name]` and `// [/name]` of that file, without their indent.
"""
import json
import sys
import textwrap
from pathlib import Path

FACES = ["Inter-Regular", "Inter-SemiBold", "Inter-Regular", "InterDisplay-SemiBold", "JetBrainsMono-Regular",
         "JetBrainsMono-SemiBold"]  # in the order of Face
LATER = {"fonts/math.ttf": "STIXTwoMath-Regular", "fonts/math-italic.ttf": "STIXTwoText-Italic"}  # fetched with the first lesson


def literal(data: bytes) -> str:
    out = []
    for start in range(0, len(data), 96):
        piece = data[start:start + 96]
        out.append('"' + "".join(chr(b) if 32 <= b < 127 and b not in (34, 92, 63) else f"\\{b:03o}" for b in piece) + '"')
    return "\n".join(out) or '""'


def fonts(folder: Path) -> str:
    arrays, seen, entries = [], {}, []
    for face in FACES:
        if face not in seen:
            seen[face] = f"kFont{len(seen)}"
            data = (folder / f"{face}.ttf").read_bytes()
            arrays.append(f"alignas(4) constexpr unsigned char {seen[face]}[] = {{{','.join(map(str, data))}}};")
        entries.append(seen[face])
    return ("#include \"embedded_fonts.hpp\"\n\nnamespace neurona::app {\nnamespace {\n" + "\n".join(arrays) +
            "\n}\n\nstd::array<std::span<const unsigned char>, kEmbeddedFaces> embedded_fonts() { return {" +
            ", ".join(entries) + "}; }\n\n}  // namespace neurona::app\n")


def snippet(root: Path, reference: str) -> str:
    path, _, name = reference.partition("#")
    lines = (root / path).read_text(encoding="utf-8").splitlines()
    begin = [i for i, line in enumerate(lines) if line.strip() == f"// [{name}]"]
    end = [i for i, line in enumerate(lines) if line.strip() == f"// [/{name}]"]
    if len(begin) != 1 or len(end) != 1 or end[0] <= begin[0]:
        sys.exit(f"error: {path} needs one line `// [{name}]` and one `// [/{name}]` after it; a lesson quotes them.")
    return textwrap.dedent("\n".join(lines[begin[0] + 1:end[0]]))


FIRST = ("draw", "coming")  # texts that are a part of the page's program


def bundle(root: Path, folder: Path) -> dict:
    for name in ("lesson.json", "es.md", "en.md"):
        if not (folder / name).is_file():
            sys.exit(f"error: {folder / name} is missing; every lesson has lesson.json, es.md and en.md.")
    lesson = json.loads((folder / "lesson.json").read_text(encoding="utf-8"))
    quoted = [step["cpp"] for step in lesson["steps"] if "cpp" in step]
    return {"lesson": lesson, "es": (folder / "es.md").read_text(encoding="utf-8"), "en": (folder / "en.md").read_text(encoding="utf-8"),
            "snippets": {reference: snippet(root, reference) for reference in quoted}}


def bundles(root: Path) -> dict:
    return {folder.name: bundle(root, folder) for folder in sorted((root / "assets/lessons").iterdir()) if folder.is_dir()}


def dense(value) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def name_of(markdown: str) -> str:
    """What stands in the rail: the first part of the first heading."""
    heading = next(line for line in markdown.splitlines() if line.startswith("# "))
    return heading[2:].split("|")[0].strip()


def catalog(all_bundles: dict) -> bytes:
    lessons = [{"id": key, "number": one["lesson"]["number"], "es": name_of(one["es"]), "en": name_of(one["en"]),
                "steps": [step["id"] for step in one["lesson"]["steps"]]} for key, one in all_bundles.items() if key != "coming"]
    return dense(sorted(lessons, key=lambda lesson: lesson["number"]))


def texts_cpp(header: str, function: str, texts: dict, extra: str = "") -> str:
    rows = [f"  if (name == {json.dumps(name)}) return {{{literal(data)}, {len(data)}}};" for name, data in texts.items()]
    return (f"#include \"{header}\"\n\nnamespace neurona::app {{\n\nstd::string_view {function}(std::string_view name) {{\n" +
            "\n".join(rows) + "\n  return {};\n}\n" + extra + "\n}  // namespace neurona::app\n")


def lessons(root: Path) -> str:
    everything = bundles(root)
    known = catalog(everything)
    extra = f"\nstd::string_view embedded_catalog() {{ return {{{literal(known)}, {len(known)}}}; }}\n"
    return texts_cpp("lesson_text.hpp", "embedded_bundle", {key: dense(everything[key]) for key in FIRST}, extra)


def fetched(root: Path, fonts_folder: Path) -> dict:
    files = {f"lessons/{key}.json": dense(one) for key, one in bundles(root).items() if key not in FIRST}
    return files | {path: (fonts_folder / f"{name}.ttf").read_bytes() for path, name in LATER.items()}


def write(out: Path, data: bytes):
    """Leaves a file that would not change: nothing is compiled for its date."""
    if out.is_file() and out.read_bytes() == data:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(data)


def main():
    kind, out, source = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if kind == "site":
        files = fetched(source, Path(sys.argv[4]))
        for old in out.glob("lessons/*.json"):
            if old.relative_to(out).as_posix() not in files:
                old.unlink()
        for path, data in files.items():
            write(out / path, data)
        return
    if kind == "fonts":
        text = fonts(source)
    elif kind == "lessons":
        text = lessons(source)
    else:
        text = texts_cpp("bundled_files.hpp", "bundled_file", fetched(source, Path(sys.argv[4])))
    write(out, text.encode())


main()
