"use strict";
(() => {
  const players = [...document.querySelectorAll(".player audio")];
  const chart = document.querySelector(".chart");
  if (!players.length || !chart) return;
  const cursor = chart.querySelector(".cursor");
  const start = Number(chart.dataset.start), end = Number(chart.dataset.end);
  const from = (audio) => Number(audio.dataset.start);
  const play = (time) => {
    const audio = players.find((one) => from(one) <= time && time < Number(one.dataset.end));
    if (!audio) return;
    players.forEach((one) => one === audio || one.pause());
    audio.currentTime = time - from(audio);
    audio.play().catch(() => {});
  };
  const show = (audio) => {
    const at = (from(audio) + audio.currentTime - start) / (end - start);
    cursor.hidden = false;
    cursor.style.left = `${100 * Math.min(1, Math.max(0, at))}%`;
  };
  players.forEach((audio) => {
    const follow = () => {
      show(audio);
      if (!audio.paused && !audio.ended) requestAnimationFrame(follow);
    };
    audio.addEventListener("play", () => {
      players.forEach((one) => one === audio || one.pause());
      follow();
    });
    audio.addEventListener("seeked", () => show(audio));
    audio.addEventListener("timeupdate", () => show(audio));
  });
  document.querySelectorAll("button[data-at]").forEach((button) => {
    button.disabled = false;
    button.addEventListener("click", () => play(Number(button.dataset.at)));
  });
  document.querySelectorAll(".blocks, .flags").forEach((group) => {
    const buttons = [...group.querySelectorAll("button[data-at]")];
    buttons.forEach((button, i) => {
      button.tabIndex = i ? -1 : 0;
      button.addEventListener("keydown", (event) => {
        const step = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: buttons.length - 1 };
        const next = buttons[step[event.key]];
        if (!next) return;
        event.preventDefault();
        buttons.forEach((one) => { one.tabIndex = -1; });
        next.tabIndex = 0;
        next.focus();
      });
    });
  });
  chart.querySelectorAll(".signal .area").forEach((area) => {
    area.classList.add("seekable");
    area.addEventListener("click", (event) => {
      const box = area.getBoundingClientRect();
      play(start + ((event.clientX - box.left) / box.width) * (end - start));
    });
  });
})();
