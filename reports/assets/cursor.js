{
  // Values under the cursor of charts, by pointer and arrow keys; the lines of a strategy stand out
  // while its row is under the cursor; sections fold.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "status");
  tip.hidden = true;
  document.body.append(tip);
  let byKeyboard = false;
  const shown = {
    d: v => new Date(Math.round(v) * 864e5).toISOString().slice(0, 10),
    p: v => (100 * v).toFixed(2) + "%",
    g: v => Math.exp(v).toFixed(3),
    n: v => String(Number(v.toPrecision(4))),
  };
  const charts = [];
  for (const svg of document.querySelectorAll("svg[data-plot]")) {
    const [left, right, bottom, top, x0, x1, y0, y1, x, y] = svg.dataset.plot.split(" ").map((v, i) => i < 8 ? Number(v) : v);
    const chart = { svg, names: JSON.parse(svg.dataset.names || "[]"), lines: null, at: null };
    const frame = svg.viewBox.baseVal, height = frame.height + 2 * frame.y; // without margins
    chart.read = () => {
      if (chart.lines) return;
      chart.lines = [...svg.querySelectorAll('path[style*="fill:none"]')].map(path => ({
        path, points: path.getAttribute("d").slice(1).split("L").map(p => p.split(",").map(Number)),
      })).filter(l => l.points.length > 2 && !l.path.getAttribute("d").includes("Z"));
    };
    const toX = px => x0 + (px - left) / (right - left) * (x1 - x0);
    const toY = py => y0 + (py - bottom) / (top - bottom) * (y1 - y0);
    const line = document.createElementNS(svg.namespaceURI, "path");
    line.setAttribute("style", "stroke:currentColor;stroke-width:.7;stroke-dasharray:2 2");
    chart.hide = () => { line.remove(); tip.hidden = true; chart.at = null; };
    chart.show = (px, keyboard) => {
      chart.read();
      px = Math.min(right, Math.max(left, px));
      const rows = chart.lines.map((l, k) => {
        let near = l.points[0];
        for (const p of l.points) if (Math.abs(p[0] - px) < Math.abs(near[0] - px)) near = p;
        return { name: chart.names[k] || "", color: l.path.style.stroke, near };
      }).filter(r => Math.abs(r.near[0] - px) < (right - left) / 20);
      const at = rows.length ? rows.reduce((a, b) => Math.abs(b.near[0] - px) < Math.abs(a.near[0] - px) ? b : a).near[0] : px;
      chart.at = at;
      line.setAttribute("d", `M${at},${height - bottom}L${at},${height - top}`);
      svg.append(line);
      tip.replaceChildren(document.createTextNode(shown[x](toX(at))));
      for (const r of rows) {
        const row = document.createElement("div"), mark = document.createElement("span");
        mark.className = "mark";
        mark.style.background = r.color;
        row.append(mark, (r.name ? r.name + " " : "") + shown[y](toY(r.near[1])));
        tip.append(row);
      }
      tip.setAttribute("aria-live", keyboard ? "polite" : "off");
      byKeyboard = keyboard;
      tip.hidden = false;
      const box = svg.getBoundingClientRect(), beside = box.left + (at - frame.x) * box.width / frame.width + 10;
      tip.style.left = Math.max(4, Math.min(beside, innerWidth - tip.offsetWidth - 8)) + "px";
      tip.style.top = Math.max(4, Math.min(box.top + 12, innerHeight - tip.offsetHeight - 8)) + "px";
    };
    svg.addEventListener("pointermove", e => {
      const box = svg.getBoundingClientRect(), px = frame.x + (e.clientX - box.left) / box.width * frame.width;
      if (px < left - 2 || px > right + 2) chart.hide(); else chart.show(px, false);
    });
    svg.addEventListener("pointerleave", chart.hide);
    svg.tabIndex = 0;
    svg.addEventListener("blur", chart.hide);
    svg.addEventListener("keydown", e => {
      if (e.key === "Escape") return chart.hide();
      const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
      if (!step && e.key !== "Home" && e.key !== "End") return;
      e.preventDefault();
      chart.read();
      const stops = chart.lines.length ? chart.lines[0].points.map(p => p[0]).sort((a, b) => a - b) : Array.from({ length: 41 }, (_, i) => left + i * (right - left) / 40);
      let next = e.key === "Home" ? stops[0] : stops[stops.length - 1];
      if (step && chart.at !== null) next = step > 0 ? stops.find(s => s > chart.at + 1e-6) ?? chart.at : stops.findLast(s => s < chart.at - 1e-6) ?? chart.at;
      chart.show(next, true);
    });
    charts.push(chart);
  }
  addEventListener("scroll", () => { if (!byKeyboard) tip.hidden = true; }, { passive: true });
  for (const box of document.querySelectorAll(".scroll")) if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
  const named = new Map();
  for (const chart of charts) for (const name of chart.names) named.set(name, [...(named.get(name) || []), chart]);
  const nameOf = e => { const row = e.target.closest && e.target.closest("tbody tr"); return row && row.cells[0] ? row.cells[0].innerText.trim() : ""; };
  let marked = "";
  const mark = name => {
    if (name === marked) return;
    for (const [old, list] of [[marked, named.get(marked)], [name, named.get(name)]]) for (const chart of list || []) {
      chart.read();
      chart.lines.forEach((l, k) => { l.path.style.opacity = old === name && chart.names[k] !== name ? 0.2 : ""; });
    }
    marked = name;
  };
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, e => mark(nameOf(e)));
  for (const head of document.querySelectorAll("section>h2")) {
    const button = document.createElement("button"), rest = [...head.parentNode.children].slice(1);
    button.type = "button";
    button.className = "fold";
    button.setAttribute("aria-expanded", "true");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", open);
      for (const e of rest) e.classList.toggle("folded", !open);
    });
  }
}
