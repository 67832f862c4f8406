(() => {
  const bench = document.querySelector(".bench");
  if (!bench) return;
  const plates = [...bench.querySelectorAll(".plate")], picks = [...bench.querySelectorAll(".pick button")];
  const desk = bench.querySelector(".desk"), find = (name) => desk.querySelector(name);
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const svg = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
  const flat = { black: 0, white: 100, gamma: 0 };
  const levels = { map: { ...flat }, picture: { ...flat } };
  const wipe = find(".dial-wipe"), strength = find(".dial-strength"), power = find(".key-power"), target = find(".key-target");
  const dials = ["black", "white", "gamma"].map((name) => [name, find(`.dial-${name}`)]);
  const moved = (name) => Object.keys(flat).some((key) => levels[name][key] !== flat[key]);
  let plate = plates[0], at = { x: 0.5, y: 0.5 };

  const divider = document.createElement("div");
  divider.className = "divider";
  divider.setAttribute("aria-hidden", "true");
  const lens = svg("svg"), through = svg("use"), cross = svg("path");
  lens.setAttribute("class", "lens");
  lens.setAttribute("aria-hidden", "true");
  cross.setAttribute("class", "cross");
  lens.append(through, cross);
  const glass = () => plate.querySelector(".glass");
  const seen = () => glass().querySelector(".drawn").viewBox.baseVal;

  const drawLevels = (name) => {
    const { black, white, gamma } = levels[name], slope = 100 / (white - black);
    bench.querySelectorAll(`.lin-${name} *`).forEach((one) => {
      one.setAttribute("slope", slope);
      one.setAttribute("intercept", (-black / 100) * slope);
    });
    bench.querySelectorAll(`.gam-${name} *`).forEach((one) => one.setAttribute("exponent", 2 ** (-gamma / 50)));
  };
  const filter = (one, name) => { if (name) one.setAttribute("filter", `url(#${name})`); else one.removeAttribute("filter"); };
  const draw = () => {
    const grey = find(".key-grey").checked, places = find(".key-places").checked;
    bench.classList.toggle("grey", grey);
    ["map", "picture"].forEach(drawLevels);
    plates.forEach((one) => {
      const map = one.querySelector(".map"), over = "over" in one.dataset, heat = "heat" in one.dataset;
      one.querySelectorAll(".base").forEach((base) => filter(base, moved("picture") && "tone"));
      one.querySelectorAll(".place, .links").forEach((place) => { place.style.display = places ? "" : "none"; });
      if (!map) return;
      filter(map, heat && over && !grey ? "heat" : (heat || moved("map")) && "plain");
      if (!over) return;
      const { width } = one.querySelector(".glass .drawn").viewBox.baseVal, cut = one.querySelector(".wipe");
      cut.setAttribute("x", (width * wipe.value) / 100);
      one.querySelector(".layer").setAttribute("opacity", strength.value / 100);
    });
    divider.style.cssText = `left:${wipe.value}%;--at:${wipe.value}`;
    wipe.setAttribute("aria-valuetext", `${wipe.value} % of the picture uncovered, from the left`);
    strength.setAttribute("aria-valuetext", `${strength.value} %`);
    dials.forEach(([name, dial]) => dial.setAttribute("aria-valuetext", name === "gamma" ? (2 ** (dial.value / 50)).toFixed(2) : `${dial.value} %`));
    drawLens();
  };
  const drawLens = () => {
    const on = find(".key-lens").checked;
    lens.style.display = on ? "" : "none";
    find(".lens-hint").hidden = !on;
    bench.classList.toggle("magnified", on);
    if (!on) { find(".spot").value = ""; return; }
    const box = glass().getBoundingClientRect(), view = seen();
    const side = clamp(0.36 * box.width, 110, 260), n = Number(power.value);
    const part = ((side / box.width) * view.width) / n, x = at.x * view.width, y = at.y * view.height;
    lens.style.cssText = `width:${side}px;height:${side}px;left:${at.x * box.width - side / 2}px;top:${at.y * box.height - side / 2}px`;
    lens.setAttribute("viewBox", `${x - part / 2} ${y - part / 2} ${part} ${part}`);
    cross.setAttribute("d", `M${x - part / 24} ${y}h${part / 12}M${x} ${y - part / 24}v${part / 12}`);
    through.setAttribute("href", `#held-${plate.id}`);
    const whole = Number(glass().dataset.wide) / view.width;
    find(".spot").value = `x ${Math.round(x * whole)}, y ${Math.round(y * whole)} px · ${n}×`;
  };
  const move = (x, y) => { at = { x: clamp(x, 0, 1), y: clamp(y, 0, 1) }; drawLens(); };
  const place = (event) => {
    const box = glass().getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };

  const show = (chosen) => {
    plate = chosen;
    plates.forEach((one) => { one.hidden = one !== plate; });
    picks.forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.view === plate.id)));
    const over = "over" in plate.dataset && Boolean(plate.querySelector(".map"));
    plate.insertBefore(desk, plate.querySelector("figcaption"));
    find(".dials.over").hidden = !over;
    find(".heated").hidden = !(over && "heat" in plate.dataset);
    find(".marked").hidden = !plate.querySelector(".place, .links");
    if (over) glass().append(divider); else divider.remove();
    glass().append(lens);
    draw();
  };

  plates.forEach((one) => {
    const pane = one.querySelector(".glass");
    pane.tabIndex = 0;
    pane.setAttribute("role", "group");
    pane.setAttribute("aria-label", "The view; with the magnifier on, arrow keys move it");
    pane.addEventListener("pointermove", (event) => { if (event.target !== divider) move(...place(event)); });
    pane.addEventListener("pointerdown", (event) => { if (event.target !== divider) move(...place(event)); });
    pane.addEventListener("keydown", (event) => {
      if (!find(".key-lens").checked) return;
      const step = event.shiftKey ? 0.1 : 0.02;
      const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
      const turn = { "+": 1, "=": 1, "-": -1 }[event.key];
      if (way) move(at.x + way[0], at.y + way[1]);
      else if (turn) { power.selectedIndex = clamp(power.selectedIndex + turn, 0, power.length - 1); drawLens(); }
      else return;
      event.preventDefault();
    });
  });
  divider.addEventListener("pointerdown", (event) => { divider.setPointerCapture(event.pointerId); event.preventDefault(); });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    wipe.value = Math.round(100 * clamp(place(event)[0], 0, 1));
    draw();
  });
  [wipe, strength].forEach((dial) => dial.addEventListener("input", draw));
  [".key-grey", ".key-places", ".key-lens", ".key-power"].forEach((name) => find(name).addEventListener("change", draw));
  const setDials = () => dials.forEach(([name, dial]) => { dial.value = levels[target.value][name]; });
  target.addEventListener("change", () => { setDials(); draw(); });
  dials.forEach(([name, dial]) => dial.addEventListener("input", () => {
    const held = levels[target.value];
    held[name] = Number(dial.value);
    if (name === "black") held.white = Math.max(held.white, held.black + 2);
    if (name === "white") held.black = Math.min(held.black, held.white - 2);
    setDials();
    draw();
  }));
  find(".key-reset").addEventListener("click", () => {
    Object.values(levels).forEach((held) => Object.assign(held, flat));
    wipe.value = 0;
    strength.value = 100;
    find(".key-grey").checked = false;
    setDials();
    draw();
  });
  picks.forEach((one, i) => {
    one.addEventListener("click", () => show(plates.find((other) => other.id === one.dataset.view)));
    one.addEventListener("keydown", (event) => {
      const next = picks[{ ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: picks.length - 1 }[event.key]];
      if (!next) return;
      event.preventDefault();
      next.focus();
      next.click();
    });
  });
  addEventListener("resize", drawLens);
  desk.hidden = false;
  bench.classList.add("live");
  bench.querySelector(".pick").hidden = picks.length < 2;
  show(plate);
})();
