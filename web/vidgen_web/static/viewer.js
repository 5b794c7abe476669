// The player: loop, pause, scrub, step by frame. The native controls stay for browsers without this module.
import { onSwap } from "./page.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");
let crisp = false;

export function startViewer() {
  onSwap((id) => id === "viewer" && prepare());
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-play], [data-step], [data-crisp]");
    if (!button) return;
    if ("play" in button.dataset) toggle();
    else if ("step" in button.dataset) step(Number(button.dataset.step));
    else setCrisp(!crisp);
  });
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-scrub]")) seek(Number(event.target.value));
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !player()) return;
    if (event.target.closest("input, textarea, select, button, summary, [contenteditable]")) return;
    if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
    else if (event.key === " " && !event.target.closest("a")) toggle();
    else return;
    event.preventDefault();
  });
  prepare();
}

function player() {
  return document.getElementById("player");
}

function prepare() {
  const video = player();
  if (!video) return;
  video.controls = false;
  video.muted = true;
  video.addEventListener("play", showState);
  video.addEventListener("pause", showState);
  video.addEventListener("click", toggle);
  setCrisp(crisp);
  if (!calm.matches) video.play().catch(() => {});
  showState();
  watch(video);
}

function watch(video) {
  if (video !== player()) return;
  showFrame(video);
  requestAnimationFrame(() => watch(video));
}

function fps(video) {
  return Number(video.dataset.fps) || 8;
}

function frames(video) {
  return Number(video.dataset.frames) || Math.max(1, Math.round(video.duration * fps(video)));
}

function frame(video) {
  return Math.min(frames(video) - 1, Math.floor(video.currentTime * fps(video) + 0.01));
}

function seek(wanted) {
  const video = player();
  if (!video) return;
  video.pause();
  // the middle of a frame, where rounding cannot land on its neighbour
  video.currentTime = (wanted + 0.5) / fps(video);
}

function step(by) {
  const video = player();
  if (!video) return;
  const count = frames(video);
  seek((frame(video) + by + count) % count);
}

function toggle() {
  const video = player();
  if (video?.paused) video.play().catch(() => {});
  else video?.pause();
}

function showState() {
  const video = player();
  const button = document.querySelector("[data-play]");
  if (!video || !button) return;
  button.setAttribute("aria-label", video.paused ? "Play" : "Pause");
  const use = button.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, video.paused ? "#play" : "#pause"));
}

function showFrame(video) {
  const now = frame(video);
  const scrub = document.querySelector("[data-scrub]");
  const counter = document.querySelector("[data-counter]");
  if (scrub && Number(scrub.value) !== now) scrub.value = now;
  const text = `${now + 1} / ${frames(video)}`;
  if (counter && counter.textContent !== text) counter.textContent = text;
}

function setCrisp(wanted) {
  crisp = wanted;
  player()?.classList.toggle("crisp", crisp);
  document.querySelector("[data-crisp]")?.setAttribute("aria-pressed", String(crisp));
}
