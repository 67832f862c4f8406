// One script for every page; nothing depends on it but comfort. Words come from the page (data-say).
"use strict";
(() => {
  const body = document.body;
  const words = JSON.parse(body.dataset.say);
  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const say = (key, values = {}) =>
    (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const tell = (text) => { find("#told").textContent = text; };
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const make = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const headers = () => (body.dataset.csrf ? { "X-Assay-CSRF": body.dataset.csrf } : {});
  const bytes = (size) => (size >= 1e9 ? `${(size / 1e9).toFixed(1)} GB` : `${(size / 1e6).toFixed(1)} MB`);
  // What an eye would be led astray by is shown as its number, as the server does.
  const visible = (text) => text.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\ufeff\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  const titled = (code) => {
    const spelled = code.replaceAll("_", " ").replace(/\b(?:jpeg|mp4|gps|exif|xmp|iptc|icc|gop|c2pa)\b/g, (one) => one.toUpperCase());
    return spelled.charAt(0).toUpperCase() + spelled.slice(1);
  };
  const step = (name) => words[`script.step.${name}`] ?? titled(name);
  const fetched = async (address) => {
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      return answer.ok ? await answer.json() : answer.status === 404 ? { status: "cancelled", progress: {} } : null;
    } catch { return null; /* the service is away for a moment: the next round asks again */ }
  };
  // The present state of these ids, by id: of many with one request, of what it leaves out a few.
  const newsOf = async (ids) => {
    const found = new Map(), few = 3;
    if (ids.length > few) (await fetched("/v1/examinations?limit=200"))?.examinations?.forEach((one) => found.set(one.id, one));
    for (const id of ids.filter((one) => !found.has(one)).slice(0, few)) {
      const held = await fetched(`/v1/examinations/${id}`);
      if (held) found.set(id, held);
    }
    return found;
  };
  // As the server writes it: never rounded to certainty.
  const score = (p) => {
    if (p < 0.0005) return "< 0.001";
    if (p >= 0.9995) return "> 0.999";
    return p.toFixed(p < 0.005 || p >= 0.995 ? 3 : 2);
  };
  const isOver = (held) => ["finished", "set_aside", "cancelled"].includes(held.status);

  all(".live-only").forEach((one) => { one.hidden = false; });

  // ---- the first page: send files one by one, show how far each is
  const sendForm = find("#send");
  if (sendForm) {
    const input = find("#file"), drop = find("#drop"), list = find("#sent");
    const maxBytes = Number(sendForm.dataset.maxBytes), maxFiles = Number(sendForm.dataset.maxFiles);

    const fields = () => {
      const form = new FormData();
      new FormData(sendForm).forEach((value, name) => {
        if (name === "file" || name === "csrf" || name === "url" || name === "batch") return;
        if (typeof value === "string" ? value.trim() : value.size) form.append(name, value);
      });
      return form;
    };

    const upload = (file, row) => new Promise((resolve) => {
      const request = new XMLHttpRequest(), form = fields();
      form.append("file", file, file.name);
      request.open("POST", "/v1/examinations");
      Object.entries(headers()).forEach(([name, value]) => request.setRequestHeader(name, value));
      request.setRequestHeader("Accept", "application/json");
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) { row.bar.max = event.total; row.bar.value = event.loaded; }
      });
      request.upload.addEventListener("load", () => row.bar.removeAttribute("value"));
      request.addEventListener("loadend", () => {
        let answer = null;
        try { answer = JSON.parse(request.responseText); } catch { /* no answer of ours */ }
        if (request.status === 200 || request.status === 202) resolve({ held: answer });
        else if (request.status === 401) location.assign("/sign-in");
        else resolve({ problem: answer ? [answer.detail, answer.remedy].filter(Boolean).join(" ") : say("script.failed") });
      });
      request.send(form);
    });

    const rowFor = (name) => {
      const item = make("li"), state = make("span", "small", say("script.sending"));
      const title = make("span", "name", visible(name)), bar = make("progress");
      bar.setAttribute("aria-label", visible(name));
      item.append(title, state, bar);
      list.append(item);
      return { item, title, state, bar };
    };

    const refuse = (row, text) => {
      row.bar.remove();
      row.state.className = "bad";
      row.state.textContent = text;
      tell(`${row.title.textContent}: ${text}`);
    };

    const show = (row, held) => {
      if (held.links && !find("a", row.title)) {
        const link = make("a", "", row.title.textContent);
        link.href = held.links.page;
        row.title.replaceChildren(link);
      }
      const { progress } = held;
      if (isOver(held)) {
        row.bar.remove();
        const label = held.verdict && held.verdict.label;
        const text = label ? say(`script.label.${label}`) : say("script.cancelled");
        row.state.replaceChildren(make("span", `chip ${label ? `is-${label}` : "cancelled"}`, text));
        tell(say("script.verdict", { name: row.title.textContent, verdict: text }));
        return;
      }
      row.state.textContent = held.status === "queued" ? say("script.waits")
        : progress.step ? say("script.runs", { step: step(progress.step) }) : say("script.runs_bare");
      if (progress.total) { row.bar.max = progress.total; row.bar.value = progress.done; } else row.bar.removeAttribute("value");
    };

    const follow = async (rows) => {
      let left = rows;
      while (left.length) {
        await new Promise((resolve) => { setTimeout(resolve, document.hidden ? 8000 : 2000); });
        const found = await newsOf(left.map((one) => one.id));
        left.filter((one) => found.has(one.id)).forEach((one) => { one.held = found.get(one.id); show(one.row, one.held); });
        left = left.filter((one) => !isOver(one.held));
      }
    };

    let sending = false;
    const send = async (given) => {
      if (sending) return;
      const files = [...given].slice(0, maxFiles);
      if (!files.length) { tell(say("script.nothing")); input.focus(); return; }
      sending = true;
      find("#go").disabled = true;
      find("#sending").hidden = false;
      find("#sending-title").focus();
      tell(given.length > maxFiles ? say("script.too_many", { n: maxFiles }) : say("script.sending"));
      const taken = [];
      const queue = files.map((file) => ({ file, row: rowFor(file.name) }));
      for (const { file, row } of queue) {
        if (file.size > maxBytes) { refuse(row, say("script.too_large", { size: bytes(maxBytes) })); continue; }
        const { held, problem } = await upload(file, row);
        if (problem) { refuse(row, problem); continue; }
        if (files.length === 1) { location.assign(held.links.page); return; }
        show(row, held);
        if (!isOver(held)) taken.push({ id: held.id, row, held });
      }
      sending = false;
      find("#go").disabled = false;
      sendForm.reset();
      follow(taken);
    };

    const sendable = (transfer) => {
      const isFolder = [...(transfer.items ?? [])].some((item) => item.webkitGetAsEntry?.()?.isDirectory);
      if (isFolder) { tell(say("script.folder")); notice(say("script.folder")); return []; }
      return [...transfer.files];
    };
    const notice = (text) => {
      let held = find("#drop .notice");
      if (!held) { held = make("p", "notice bad"); drop.append(held); }
      held.textContent = text;
    };

    sendForm.addEventListener("submit", (event) => {
      const url = find("#url");
      if (url && url.value.trim() && !input.files.length) return; // the plain form does it
      event.preventDefault();
      if (!input.files.length) { notice(say("script.nothing")); tell(say("script.nothing")); input.focus(); return; }
      send(input.files);
    });
    input.addEventListener("change", () => { find("#drop .notice")?.remove(); });
    ["dragover", "drop"].forEach((name) => addEventListener(name, (event) => {
      if ([...(event.dataTransfer?.types ?? [])].includes("Files")) event.preventDefault();
    }));
    let depth = 0;
    addEventListener("dragenter", () => { depth += 1; drop.classList.add("over"); });
    addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); if (!depth) drop.classList.remove("over"); });
    addEventListener("drop", (event) => {
      depth = 0;
      drop.classList.remove("over");
      const files = event.dataTransfer ? sendable(event.dataTransfer) : [];
      if (files.length) send(files);
    });
    addEventListener("paste", (event) => {
      if (event.clipboardData?.files.length) { event.preventDefault(); send(event.clipboardData.files); }
    });
  }

  // ---- while it waits: what is being done, until there is a verdict
  const progress = find("#progress");
  if (progress) {
    const title = find("#state"), bar = find("progress", progress), list = find("#steps");
    let told = "";
    const show = (held) => {
      if (isOver(held)) {
        sessionStorage.setItem("finished", held.id);
        location.reload();
        return;
      }
      const running = held.status === "running";
      title.textContent = progress.dataset[running ? "runs" : "waits"];
      const { done, total, steps } = held.progress;
      const names = steps.map((one) => one.name);
      list.replaceChildren(...names.map((name, n) => make("li", n === names.length - 1 ? "now" : "done", step(name))));
      const now = find(".now", list);
      if (now && total > 1) now.append(` · ${say("script.of", { done, total })}`);
      if (running && total > 1) { bar.max = total; bar.value = done; } else bar.removeAttribute("value");
      const news = running && names.length ? step(names.at(-1)) : title.textContent;
      if (news !== told) { told = news; tell(news); }
    };
    const ask = async () => {
      try {
        const answer = await fetch(progress.dataset.self, { headers: { Accept: "application/json" } });
        if (answer.status === 404 || answer.status === 401) { location.reload(); return; }
        if (answer.ok) show(await answer.json());
      } catch { tell(say("script.slow")); }
    };
    let polling = 0;
    const poll = () => { if (!polling) { ask(); polling = setInterval(ask, 1500); } };
    const source = new EventSource(progress.dataset.events);
    const hear = (event) => { clearInterval(polling); polling = 0; try { show(JSON.parse(event.data)); } catch { ask(); } };
    ["message", "progress", "finished", "set_aside", "cancelled"].forEach((name) => source.addEventListener(name, hear));
    source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) poll(); else ask(); });
    setInterval(() => { if (!polling) ask(); }, 10000); // whatever becomes of the events
    addEventListener("pagehide", () => source.close());
  }

  // ---- a verdict that was waited for: said, and where the reading begins
  const desk = find("[data-finished]");
  if (desk && sessionStorage.getItem("finished") === desk.dataset.finished) {
    sessionStorage.removeItem("finished");
    const answer = find("#answer");
    tell(`${say("script.finished")} ${answer.textContent}`);
    answer.focus({ preventScroll: true });
  }

  all("[data-copy]").forEach((button) => button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(document.getElementById(button.dataset.copy));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    tell(say("script.copied"));
    button.textContent = say("script.copied");
  }));

  // ---- player and timeline: a click seeks, the needle follows
  const film = find("#film"), reel = find("#reel");
  if (film) {
    film.addEventListener("error", () => { film.hidden = true; find("#unplayable").hidden = false; });
    if (film.error) { film.hidden = true; find("#unplayable").hidden = false; }
  }
  if (film && reel) {
    const start = Number(reel.dataset.start), end = Number(reel.dataset.end), needle = find("#needle"), position = find("#position");
    const go = (time) => { film.currentTime = clamp(time, 0, Number.isFinite(film.duration) ? film.duration : end); };
    const draw = () => {
      const at = `${clamp((100 * (film.currentTime - start)) / (end - start), 0, 100)}%`;
      needle.setAttribute("x1", at);
      needle.setAttribute("x2", at);
      needle.setAttribute("visibility", "visible");
      if (document.activeElement !== position) position.value = film.currentTime;
    };
    const run = () => { draw(); if (!film.paused && !film.ended) requestAnimationFrame(run); };
    ["play", "seeking", "seeked", "timeupdate"].forEach((name) => film.addEventListener(name, name === "play" ? run : draw));
    position.addEventListener("input", () => { film.pause(); go(Number(position.value)); });
    reel.classList.add("live");
    reel.addEventListener("click", (event) => {
      const box = reel.getBoundingClientRect();
      go(start + ((event.clientX - box.left) / box.width) * (end - start));
    });
    all("[data-to]").forEach((link) => link.addEventListener("click", (event) => {
      event.preventDefault();
      go(Number(link.dataset.to));
      film.play().catch(() => {});
    }));
  }

  // ---- a map over the picture: which, how strong, uncovered how far
  all(".laid").forEach((figure) => {
    const choice = find(".which-map", figure), maps = all(".map", figure);
    if (!choice) return;
    const strength = find(".strength", figure), wipe = find(".wipe", figure);
    const draw = () => maps.forEach((map) => {
      map.hidden = map.dataset.map !== choice.value;
      map.style.opacity = strength.value / 100;
      map.style.clipPath = `inset(0 0 0 ${wipe.value}%)`;
    });
    choice.disabled = false;
    [choice, strength, wipe].forEach((one) => one.addEventListener("input", draw));
    draw();
  });

  // ---- the report's frame is as high as the report
  const frame = find("#report-frame");
  if (frame) {
    const fit = () => {
      const held = frame.contentDocument;
      if (!held?.body) return;
      const grow = () => { frame.style.height = `${Math.ceil(held.documentElement.getBoundingClientRect().height)}px`; };
      grow();
      new ResizeObserver(grow).observe(held.documentElement);
    };
    frame.addEventListener("load", fit);
    if (frame.contentDocument?.readyState === "complete") fit();
  }

  // ---- lists: what waited is asked for again, and told in its row
  let waiting = all("tr[data-waits]");
  const settle = (row, held) => {
    const label = held.verdict && held.verdict.label, chip = find(".chip", row);
    chip.className = `chip ${label ? `is-${label}` : "cancelled"}`;
    chip.textContent = label ? say(`script.label.${label}`) : say("script.cancelled");
    if (held.verdict?.p_fake != null) find(".num", row).textContent = score(held.verdict.p_fake);
    tell(say("script.verdict", { name: find("a", row).textContent, verdict: chip.textContent }));
    waiting = waiting.filter((one) => one !== row);
  };
  const look = async () => {
    const found = document.hidden ? new Map() : await newsOf(waiting.map((row) => row.dataset.row));
    waiting.forEach((row) => {
      const held = found.get(row.dataset.row);
      if (held && isOver(held)) settle(row, held);
    });
    if (waiting.length) setTimeout(look, 4000);
  };
  if (waiting.length) setTimeout(look, 2000);
})();
