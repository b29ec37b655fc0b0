"""The figures as a table, as JSON and as a picture."""

import html
import json


def size(value):
    return f"{value / 2**20:.0f} MiB"


def table(rows):
    """`rows` as run.py makes them; the ratios come first."""
    lines = [f"{'path':38} {'ratio':>7} {'least':>6} {'aim':>5}  {'vmlift':>8} {'qemu-img':>9} "
             f"{'CPU s':>13} {'memory':>17} {'output':>21}"]
    for row in rows:
        ours, peer = row["vmlift"], row["qemu-img"]
        mark = " " if row["ratio"] >= row["at_least"] else "<"
        lines.append(
            f"{row['path']:38} {row['ratio']:6.1f}x{mark}{row['at_least']:>5}x {row['aim']:>4}x  "
            f"{ours['wall_seconds']:7.2f}s {peer['wall_seconds']:8.2f}s "
            f"{ours['cpu_seconds']:5.1f} / {peer['cpu_seconds']:5.1f} "
            f"{size(ours['peak_memory']):>7} / {size(peer['peak_memory']):>7} "
            f"{size(ours['output_bytes']):>9} / {size(peer['output_bytes']):>9}")
        for name, figures in row["others"].items():
            lines.append(f"{'  ' + name:58} {figures['wall_seconds']:7.2f}s {'':9} "
                         f"{figures['cpu_seconds']:5.1f} {'':7} {size(figures['peak_memory']):>7} "
                         f"{'':9} {size(figures['output_bytes']):>9}")
        for name, seconds in row["limits"].items():
            lines.append(f"{'  limit: ' + name:58} {seconds:7.2f}s")
    return "\n".join(lines)


def markdown(rows, instants):
    """The same for a README: the ratios first."""
    lines = ["| path | ratio | vmlift | qemu-img | CPU seconds | peak memory | target | limits |",
             "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        ours, peer = row["vmlift"], row["qemu-img"]
        limits = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in row["limits"].items())
        lines.append(f"| {row['path']} | **{row['ratio']:.1f}x** | {ours['wall_seconds']:.2f} s | "
                     f"{peer['wall_seconds']:.2f} s | {ours['cpu_seconds']:.1f} / "
                     f"{peer['cpu_seconds']:.1f} | {size(ours['peak_memory'])} | "
                     f"{size(ours['output_bytes'])} / {size(peer['output_bytes'])} | {limits} |")
        for name, figures in row["others"].items():
            lines.append(f"| &nbsp; {name} | | {figures['wall_seconds']:.2f} s | | "
                         f"{figures['cpu_seconds']:.1f} | {size(figures['peak_memory'])} | "
                         f"{size(figures['output_bytes'])} | |")
    lines += ["", "| net of Python's start | took | has to take less than |", "|---|---|---|"]
    lines += [f"| {row['path']} | {row['net_seconds'] * 1e3:.0f} ms | {row['under'] * 1e3:.0f} ms |"
              for row in instants]
    return "\n".join(lines) + "\n"


def instant_table(rows):
    return "\n".join(f"{row['path']:38} {row['net_seconds'] * 1e3:5.0f} ms net of Python's start, "
                     f"under {row['under'] * 1e3:.0f} ms; {size(row['peak_memory'])}"
                     for row in rows)


def write_json(path, machine, rows, instants):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "paths": rows, "instants": instants}, file, indent=1)
        file.write("\n")


def write_svg(path, rows):
    """Bars of the ratios, with a mark where each path is to be."""
    width, bar, left = 900, 24, 300
    top = max(max(row["ratio"], row["at_least"]) for row in rows) * 1.1
    scale = (width - left - 80) / top
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
             f'height="{(len(rows) + 1) * bar + 20}" font-family="sans-serif" font-size="13">',
             f'<text x="{left}" y="16">times as fast as qemu-img (mark: to reach)</text>']
    for index, row in enumerate(rows, start=1):
        y = index * bar
        mark = left + row["at_least"] * scale
        parts += [
            f'<text x="{left - 8}" y="{y + 16}" text-anchor="end">{html.escape(row["path"])}</text>',
            f'<rect x="{left}" y="{y + 4}" width="{row["ratio"] * scale:.1f}" height="{bar - 8}" '
            f'fill="#3b7dd8"/>',
            f'<line x1="{mark:.1f}" x2="{mark:.1f}" y1="{y + 1}" y2="{y + bar - 1}" '
            f'stroke="#c33" stroke-width="2"/>',
            f'<text x="{left + row["ratio"] * scale + 6:.1f}" y="{y + 16}">{row["ratio"]:.1f}x</text>']
    parts.append("</svg>\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts))
