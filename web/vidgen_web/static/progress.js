// Shows how far a job is, wherever it stands on the page.
import { say } from "./words.js";

const STAGES = {
  loading: say("Loading the model"),
  encoding: say("Reading the prompt"),
  denoising: say("Painting"),
  decoding: say("Developing the frames"),
  processing: say("Finishing the frames"),
  publishing: say("Saving"),
};

export function duration(seconds) {
  if (seconds < 1) return say("under a second");
  const whole = Math.round(seconds);
  if (whole < 60) return say("%(n)s s", { n: whole });
  const m = Math.floor(whole / 60);
  if (m < 10 && whole % 60) return say("%(m)s min %(s)s s", { m, s: whole % 60 });
  return m < 60 ? say("%(m)s min", { m }) : say("%(h)s h %(m)s min", { h: Math.floor(m / 60), m: m % 60 });
}

export function stateText(job) {
  if (job.status === "queued") {
    if (job.queue_position === 1) return say("Next in line");
    return job.queue_position ? say("Number %(n)s in line", { n: job.queue_position }) : say("In line");
  }
  if (job.status !== "running") return "";
  if (job.cancel_requested) return say("Stopping");
  if (job.stop_requested) return say("Stopping after this chunk");
  const doing = doingText(job);
  return job.eta_seconds ? say("%(doing)s · %(time)s left", { doing, time: duration(job.eta_seconds) }) : doing;
}

function doingText(job) {
  const [step, steps] = [job.step, job.total_steps];
  if (job.total_chunks && job.stage === "denoising") return say("Chunk %(n)s/%(all)s · step %(step)s/%(steps)s", { n: job.chunk, all: job.total_chunks, step, steps });
  return steps ? say("Step %(n)s of %(all)s", { n: step, all: steps }) : (STAGES[job.stage] ?? say("Starting"));
}

export function showProgress(job) {
  for (const place of document.querySelectorAll(`#row-${CSS.escape(job.id)}, [data-run="${CSS.escape(job.id)}"]`)) {
    const bar = place.querySelector("[data-bar]");
    if (bar) bar.value = job.progress;
    const state = place.querySelector("[data-state]");
    const text = stateText(job);
    if (state && text) state.textContent = text;
  }
  // asked for once is enough
  for (const button of document.querySelectorAll(`form[action$="/jobs/${CSS.escape(job.id)}/stop"] button`)) button.disabled ||= job.stop_requested || job.cancel_requested;
  if (job.preview_url && job.status === "running") showPreview(job);
}

function showPreview(job) {
  for (const picture of document.querySelectorAll(`img[data-preview="${CSS.escape(job.id)}"]`)) {
    // loaded aside first, so that the old picture stays until the new one is there
    const next = new Image();
    next.addEventListener("load", () => {
      picture.src = next.src;
      picture.hidden = false;
      if (picture.classList.contains("clip")) {
        const blank = document.querySelector(`[data-waiting="${CSS.escape(job.id)}"]`);
        if (blank) blank.hidden = true;
      }
    });
    next.src = job.preview_url;
  }
}
