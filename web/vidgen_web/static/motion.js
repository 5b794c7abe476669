// Draws what the tables of the section say: the camera pad, paths over the first picture, painted masks.
// The numbers are the truth: drawing writes them, and what is typed is drawn.
import { announce } from "./announce.js";
import { onSwap } from "./page.js";
import { slotOf, upload } from "./slots.js";
import { say } from "./words.js";

const FASTEST = 10;
const NEAR = 0.05;
const MASK_SIDE = 512;
const SVG = "http://www.w3.org/2000/svg";

// what is drawn on the easel: a path ("trajectories.0") or the mask of a slot ("mask.media")
let drawing = null;
let held = null;

export function startMotion() {
  document.addEventListener("click", onClick);
  document.addEventListener("input", (event) => {
    if (event.target.closest(".points")) showPath();
    if (event.target.name?.startsWith("camera.")) showPad();
    const mirrors = event.target.dataset.mirror?.startsWith("camera.");
    if (mirrors || /^camera\.(?!preset|keys)/.test(event.target.name ?? "")) number("camera.preset").value = "";
  });
  document.addEventListener("pointerdown", onDown);
  for (const kind of ["change", "filled"]) document.addEventListener(kind, (event) => showDrawn(event.target));
  document.addEventListener("error", (event) => tellDrawn(event.target, false), true);
  document.addEventListener("load", (event) => tellDrawn(event.target, true), true);
  onSwap((id) => id === "composer" && prepare());
  prepare();
}

function prepare() {
  drawing = null;
  showPad();
}

function number(name) {
  return document.querySelector(`#composer-form [name="${CSS.escape(name)}"]`) ?? { value: "" };
}

function write(name, value) {
  const control = number(name);
  control.value = value;
  control.dispatchEvent?.(new Event("input", { bubbles: true }));
}

function onClick(event) {
  const draw = event.target.closest("[data-draw]");
  const paint = event.target.closest("[data-paint]");
  const wipe = event.target.closest("[data-wipe]");
  if (draw) begin(draw, draw.dataset.draw);
  else if (paint) begin(paint, paint.dataset.paint);
  else if (wipe) wipePath(wipe.dataset.wipe);
}

function onDown(event) {
  const pad = event.target.closest("[data-pad]");
  const board = event.target.closest(".board");
  if (pad) follow(event, pad, (at) => turn(at));
  else if (board && drawing?.mask) follow(event, board, dab, keepMask);
  else if (board && drawing) startPoint(event, board);
}

/** Call `move` with the pointer's place (shares of the element) until it is let go. */
function follow(event, element, move, done = () => {}) {
  event.preventDefault();
  element.setPointerCapture(event.pointerId);
  const at = (it) => {
    const box = element.getBoundingClientRect();
    return { x: (it.clientX - box.left) / box.width, y: (it.clientY - box.top) / box.height };
  };
  const onMove = (it) => move(at(it));
  move(at(event));
  element.addEventListener("pointermove", onMove);
  element.addEventListener("pointerup", () => {
    element.removeEventListener("pointermove", onMove);
    done();
  }, { once: true });
}

/* --- camera --- */

function turn({ x, y }) {
  const speed = (share) => Math.round(Math.max(-1, Math.min(1, share)) * FASTEST * 2) / 2;
  write("camera.pan", speed(2 * x - 1));
  write("camera.tilt", speed(1 - 2 * y));
}

function showPad() {
  const knob = document.querySelector("[data-pad] span");
  if (!knob) return;
  const place = (name) => Math.max(-FASTEST, Math.min(FASTEST, Number(number(name).value) || 0)) / FASTEST;
  knob.style.left = `${50 + 50 * place("camera.pan")}%`;
  knob.style.top = `${50 - 50 * place("camera.tilt")}%`;
}

/* --- controls --- */

/** The control of the row that something changed in, drawn from what lies in its slot. */
function showDrawn(changed) {
  const figure = changed.closest?.(".row-set")?.querySelector("[data-drawn]");
  if (!figure) return;
  const name = figure.dataset.drawn;
  const done = document.getElementById(`${name}.drawn`)?.checked;
  // what a network draws is told in words
  for (const note of figure.parentElement.querySelectorAll("[data-seen]")) note.hidden = done || note.dataset.seen !== number(`${name}.kind`).value;
  const url = new URL(figure.dataset.url, location);
  for (const part of ["upload_id", "artifact_id"]) url.searchParams.set(part, number(`${name}.video.${part}`).value);
  for (const part of ["kind", "smoothing"]) url.searchParams.set(part, number(`${name}.${part}`).value);
  const lies = url.searchParams.get("upload_id") || url.searchParams.get("artifact_id");
  const drawable = !figure.dataset.undrawn.split(" ").includes(url.searchParams.get("kind"));
  figure.hidden = !lies || !drawable || done;
  const picture = figure.querySelector("img");
  if (!figure.hidden && picture.src !== url.href) picture.src = url.href;
}

function tellDrawn(picture, made) {
  const figure = picture.closest?.("[data-drawn]");
  if (!figure) return;
  picture.hidden = figure.querySelector("figcaption").hidden = !made;
  figure.querySelector("[data-not-drawn]").hidden = made;
}

/* --- the easel --- */

/** Show the easel for this path or mask, or put it away when it was shown for it. */
function begin(button, name) {
  const same = drawing?.name === name;
  for (const other of document.querySelectorAll("[data-draw], [data-paint]")) other.setAttribute("aria-pressed", "false");
  const easel = document.querySelector("[data-easel]");
  easel.hidden = same;
  drawing = same ? null : { name, mask: "paint" in button.dataset };
  if (same) return;
  button.setAttribute("aria-pressed", "true");
  setUp(easel);
  easel.scrollIntoView({ block: "nearest" });
  announce(drawing.mask ? say("Paint on the picture; the numbers do the same.") : say("Click on the picture to add points; the table does the same."));
}

function setUp(easel) {
  const board = document.createElement("div");
  board.className = "board";
  const [width, height] = [Number(easel.dataset.width) || 1, Number(easel.dataset.height) || 1];
  board.style.aspectRatio = `${width} / ${height}`;
  const ground = picture();
  if (ground) board.append(ground);
  const bar = document.createElement("div");
  bar.className = "bar";
  if (drawing.mask) {
    const canvas = document.createElement("canvas");
    canvas.width = MASK_SIDE;
    canvas.height = Math.round((MASK_SIDE * height) / width);
    board.append(canvas);
    bar.append(say("Brush"), Object.assign(document.createElement("input"), { type: "range", min: 2, max: 40, value: 12, id: "brush-size" }));
  } else {
    board.append(document.createElementNS(SVG, "svg"));
    bar.append(say("Click: a point. Drag: move it."));
  }
  easel.replaceChildren(board, bar);
  showPath();
}

/** The picture that is drawn on: the first one, or the clip that is restyled. */
function picture() {
  const task = document.querySelector('input[name="task"]:checked')?.value;
  const found = slotOf(task === "video-to-video" ? "video" : "image")?.querySelector(".thumb > *");
  if (!found || (task !== "image-to-video" && task !== "video-to-video")) return null;
  const ground = found.cloneNode();
  for (const name of ["width", "height"]) ground.removeAttribute(name);
  if (ground.tagName === "VIDEO") {
    ground.muted = true;
    ground.addEventListener("loadeddata", () => (ground.currentTime = found.currentTime), { once: true });
  }
  return ground;
}

/* --- paths --- */

function rows(name) {
  return [...document.querySelectorAll(`[data-points="${CSS.escape(name)}"] tbody tr`)];
}

function part(row, which) {
  return row.querySelector(`input[name$=".${which}"]`);
}

function points(name) {
  return rows(name)
    .map((row, n) => ({ n, x: part(row, "x").value, y: part(row, "y").value }))
    .filter((point) => point.x !== "" && point.y !== "")
    .map((point) => ({ ...point, x: Number(point.x), y: Number(point.y) }));
}

/** The point under the pointer moves with it; where there is none, one is added. */
function startPoint(event, board) {
  const box = board.getBoundingClientRect();
  const at = { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  const near = points(drawing.name).find((point) => Math.hypot(point.x - at.x, point.y - at.y) < NEAR);
  held = near ? rows(drawing.name)[near.n] : emptyRow(drawing.name);
  if (held) follow(event, board, movePoint, () => (held = null));
}

function movePoint({ x, y }) {
  const share = (value) => String(Math.round(Math.max(0, Math.min(1, value)) * 1000) / 1000);
  part(held, "x").value = share(x);
  part(held, "y").value = share(y);
  part(held, "y").dispatchEvent(new Event("input", { bubbles: true }));
}

/** The first row without a point, or one more. */
function emptyRow(name) {
  const all = rows(name);
  const empty = all.find((row) => part(row, "x").value === "" && part(row, "y").value === "");
  if (empty || all.length >= 64) return empty;
  const row = all.at(-1).cloneNode(true);
  row.querySelector("th").textContent = all.length + 1;
  for (const input of row.querySelectorAll("input")) {
    input.name = input.name.replace(/\.points\.\d+\./, `.points.${all.length}.`);
    input.setAttribute("aria-label", input.getAttribute("aria-label").replace(/\d+/, all.length + 1));
    input.value = "";
  }
  all.at(-1).after(row);
  return row;
}

function wipePath(name) {
  for (const row of rows(name)) for (const which of ["x", "y", "at"]) part(row, which).value = "";
  const first = rows(name)[0];
  part(first, "x").dispatchEvent(new Event("input", { bubbles: true }));
}

function showPath() {
  const svg = document.querySelector(".easel svg");
  if (!svg || !drawing) return;
  svg.setAttribute("viewBox", "0 0 1 1");
  svg.setAttribute("preserveAspectRatio", "none");
  const all = points(drawing.name);
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", all.map((point) => `${point.x},${point.y}`).join(" "));
  const dots = all.map((point, n) => {
    const dot = document.createElementNS(SVG, "circle");
    for (const [key, value] of Object.entries({ cx: point.x, cy: point.y, r: n ? 0.02 : 0.03 })) dot.setAttribute(key, value);
    return dot;
  });
  svg.replaceChildren(line, ...dots);
}

/* --- masks --- */

function dab({ x, y }) {
  const canvas = document.querySelector(".easel canvas");
  const size = (Number(document.getElementById("brush-size").value) / 200) * canvas.width;
  const paint = canvas.getContext("2d");
  paint.fillStyle = "#fff";
  paint.beginPath();
  paint.arc(x * canvas.width, y * canvas.height, size, 0, 2 * Math.PI);
  paint.fill();
}

/** White on black, as a file like any other. */
function keepMask() {
  const canvas = document.querySelector(".easel canvas");
  const mask = document.createElement("canvas");
  Object.assign(mask, { width: canvas.width, height: canvas.height });
  const paint = mask.getContext("2d");
  paint.fillRect(0, 0, mask.width, mask.height);
  paint.drawImage(canvas, 0, 0);
  mask.toBlob((blob) => upload(slotOf(drawing.name), new File([blob], say("painted mask") + ".png", { type: "image/png" })), "image/png");
}
