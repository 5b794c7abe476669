// The player: loop whole or in part, scrub, step by frame, play backwards, two clips in step.
// The native controls stay for browsers without this module.
import { onSwap } from "./page.js";
import { recall } from "./recall.js";
import { say } from "./words.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const KEYS_OFF = "vidgen-single-keys-off";
const RECALLS = { a: "all", r: "but-seed", s: "seed", p: "prompt" };
const FASTEST = 4;

let crisp = false;
// of the part that loops, in frames; null: from the beginning, to the end
let ends = { a: null, b: null };
let backwards = null;

export function startViewer() {
  onSwap((id) => id === "viewer" && prepare());
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-play], [data-step], [data-crisp], [data-end], [data-loop], [data-seek]");
    if (!button) return;
    if ("play" in button.dataset) toggle();
    else if ("step" in button.dataset) step(Number(button.dataset.step));
    else if ("end" in button.dataset) setEnd(button.dataset.end);
    else if ("seek" in button.dataset) seek(Number(button.dataset.seek));
    else if ("loop" in button.dataset) setLoop(!player().loop);
    else setCrisp(!crisp);
  });
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-scrub]")) seek(Number(event.target.value));
    if (event.target.id === "frame-number" && event.target.value) seek(Number(event.target.value) - 1);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-keys]")) keepKeys(event.target.checked);
  });
  document.addEventListener("keydown", onKey);
  prepare();
}

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || !player()) return;
  if (event.target.closest("input, textarea, select, button, summary, [contenteditable]")) return;
  const key = event.key.toLowerCase();
  if (key === "arrowleft") step(-1);
  else if (key === "arrowright") step(1);
  else if (key === " " && !event.target.closest("a")) toggle();
  else if (!singleKeys() || !singleKey(key)) return;
  event.preventDefault();
}

/** Whether the key means something here. */
function singleKey(key) {
  const link = key in RECALLS && document.getElementById("reuse");
  if (link) recall(RECALLS[key], link.href);
  else if (key === "k") pause();
  else if (key === "l") faster();
  else if (key === "j") rewind();
  else if (key === "i") setEnd("a");
  else if (key === "o") setEnd("b");
  else return false;
  return true;
}

function singleKeys() {
  return !localStorage.getItem(KEYS_OFF);
}

function keepKeys(on) {
  if (on) localStorage.removeItem(KEYS_OFF);
  else localStorage.setItem(KEYS_OFF, "1");
}

function player() {
  return document.getElementById("player");
}

function other() {
  return document.getElementById("other-player");
}

function prepare() {
  const video = player();
  stopRewind();
  ends = { a: null, b: null };
  if (!video) return;
  for (const clip of [video, other()]) {
    if (!clip) continue;
    clip.controls = false;
    clip.muted = true;
    clip.addEventListener("click", toggle);
  }
  video.addEventListener("play", showState);
  video.addEventListener("pause", showState);
  const box = document.querySelector("[data-keys]");
  if (box) box.checked = singleKeys();
  setCrisp(crisp);
  if (!calm.matches) video.play().catch(() => {});
  showState();
  watch(video);
}

function watch(video) {
  if (video !== player()) return;
  keepWithin(video);
  follow(video);
  showFrame(video);
  requestAnimationFrame(() => watch(video));
}

/** While it plays, a part that loops goes from its end back to its beginning. */
function keepWithin(video) {
  if (video.paused || (ends.a === null && ends.b === null)) return;
  const first = ends.a ?? 0;
  const last = ends.b ?? frames(video) - 1;
  const now = frame(video);
  if (now > last || now < first) video.currentTime = middle(video, first);
}

/** The clip beside it shows the same moment. */
function follow(video) {
  const clip = other();
  if (!clip || !clip.duration) return;
  if (clip.paused !== video.paused) {
    if (video.paused) clip.pause();
    else clip.play().catch(() => {});
  }
  clip.playbackRate = video.playbackRate;
  const moment = Math.min(video.currentTime, clip.duration - 0.001);
  const drift = Math.abs(clip.currentTime - moment);
  if (!clip.seeking && drift > (video.paused ? 0.001 : 0.75 / fps(video))) clip.currentTime = moment;
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

/** A time within the frame, where rounding cannot land on its neighbour. */
function middle(video, wanted) {
  return (wanted + 0.5) / fps(video);
}

function seek(wanted) {
  const video = player();
  if (!video) return;
  pause();
  video.currentTime = middle(video, Math.max(0, Math.min(wanted, frames(video) - 1)));
}

function step(by) {
  const video = player();
  if (!video) return;
  const count = frames(video);
  seek((frame(video) + by + count) % count);
}

function toggle() {
  const video = player();
  const still = video?.paused && !backwards;
  pause();
  if (still) play(1);
}

function play(rate) {
  const video = player();
  stopRewind();
  video.playbackRate = rate;
  video.play().catch(() => {});
}

function pause() {
  stopRewind();
  player()?.pause();
}

function faster() {
  const video = player();
  play(video.paused || backwards ? 1 : Math.min(video.playbackRate * 2, FASTEST));
}

/** Browsers do not play backwards, so the frames are shown one by one. */
function rewind() {
  const rate = backwards ? Math.min(backwards.rate * 2, FASTEST) : 1;
  pause();
  const back = () => {
    const video = player();
    if (!video) return stopRewind();
    const count = frames(video);
    const first = ends.a ?? 0;
    const now = frame(video);
    video.currentTime = middle(video, now > first ? now - 1 : (ends.b ?? count - 1));
  };
  backwards = { rate, timer: setInterval(back, 1000 / fps(player()) / rate) };
  showState();
}

function stopRewind() {
  if (!backwards) return;
  clearInterval(backwards.timer);
  backwards = null;
  showState();
}

/** Where the part that loops begins or ends; asked again for the same frame, it does no more. */
function setEnd(which) {
  const video = player();
  if (!video) return;
  const now = frame(video);
  ends[which] = ends[which] === now ? null : now;
  if (ends.a !== null && ends.b !== null && ends.a > ends.b) ends[which === "a" ? "b" : "a"] = null;
  for (const button of document.querySelectorAll("[data-end]")) {
    const at = ends[button.dataset.end];
    button.setAttribute("aria-pressed", String(at !== null));
  }
  const scrub = document.querySelector("[data-scrub]");
  const share = (at) => `${(100 * at) / Math.max(1, frames(video) - 1)}%`;
  scrub?.classList.toggle("parted", ends.a !== null || ends.b !== null);
  scrub?.style.setProperty("--from", share(ends.a ?? 0));
  scrub?.style.setProperty("--to", share(ends.b ?? frames(video) - 1));
}

function setLoop(wanted) {
  for (const clip of [player(), other()]) if (clip) clip.loop = wanted;
  document.querySelector("[data-loop]")?.setAttribute("aria-pressed", String(wanted));
}

function showState() {
  const video = player();
  const button = document.querySelector("[data-play]");
  if (!video || !button) return;
  const still = video.paused && !backwards;
  button.setAttribute("aria-label", still ? say("Play") : say("Pause"));
  const use = button.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, still ? "#play" : "#pause"));
}

function showFrame(video) {
  const now = frame(video);
  const scrub = document.querySelector("[data-scrub]");
  const counter = document.querySelector("[data-counter]");
  const number = document.getElementById("frame-number");
  if (scrub && Number(scrub.value) !== now) scrub.value = now;
  if (number && document.activeElement !== number && Number(number.value) !== now + 1) number.value = now + 1;
  const text = `${now + 1} / ${frames(video)}`;
  if (counter && counter.textContent !== text) counter.textContent = text;
}

function setCrisp(wanted) {
  crisp = wanted;
  for (const clip of [player(), other()]) clip?.classList.toggle("crisp", crisp);
  document.querySelector("[data-crisp]")?.setAttribute("aria-pressed", String(crisp));
}
