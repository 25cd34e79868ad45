"""Draws the CPU of a cold Create as bars, init and request, for all subjects of the run. Its colours are readable on a
white and on a dark background."""

WIDTH, LEFT, RIGHT = 760, 190, 150
BAR, GAP, TOP = 26, 18, 62
INIT, REQUEST, TEXT = "#5b8def", "#e08a3c", "#7a828c"
WHO = {
    "floor": "the floor: raw TLS",
    "provider": "this provider",
    "node": "Node, SDK v3",
    "python": "Python, boto3, crhelper",
}


def draw(results: dict) -> str:
    cold, of = results["cold"], results["of"]
    most = max(run["start_cpu"] + run["event_cpu"] for run in cold.values())
    scale = (WIDTH - LEFT - RIGHT) / most
    height = TOP + len(WHO) * (BAR + GAP) + 26
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img"'
        f' aria-label="CPU of one cold Create" font-family="Helvetica, Arial, sans-serif" font-size="14" fill="{TEXT}">',
        _text(0, 18, "CPU of one cold Create, milliseconds", weight="bold", size=16),
        f'<rect x="0" y="31" width="12" height="12" fill="{INIT}"/>',
        _text(18, 42, "init"),
        f'<rect x="62" y="31" width="12" height="12" fill="{REQUEST}"/>',
        _text(80, 42, "request, which has a fourteenth of a core at 128 MB"),
    ]
    for index, (who, title) in enumerate(WHO.items()):
        run, y = cold[who], TOP + index * (BAR + GAP)
        init, request = run["start_cpu"] * scale, run["event_cpu"] * scale
        label = f"{run['cpu']:.1f}" if run["cpu"] < 10 else f"{run['cpu']:.0f}"
        if who not in ("provider", "floor"):
            label += f", {run['cpu'] / cold['provider']['cpu']:.0f} times"
        parts += [
            _text(LEFT - 12, y + 18, title, anchor="end", weight="bold" if who == "provider" else "normal"),
            f'<rect x="{LEFT}" y="{y}" width="{init:.1f}" height="{BAR}" fill="{INIT}"/>',
            f'<rect x="{LEFT + init:.1f}" y="{y}" width="{request:.1f}" height="{BAR}" fill="{REQUEST}"/>',
            _text(LEFT + init + request + 8, y + 18, label),
        ]
    caption = f"{of['date']}, commit {of['commit']}, {of['processor']}, Node {of['node'].removeprefix('v')}, {of['python']}"
    parts += [_text(0, height - 6, caption, size=11), "</svg>", ""]
    return "\n".join(parts)


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal", size: int = 14) -> str:
    style = f'text-anchor="{anchor}" font-weight="{weight}" font-size="{size}"'
    return f'<text x="{x:.1f}" y="{y}" {style}>{text}</text>'
