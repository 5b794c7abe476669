// Shows how far a job is, wherever it stands on the page.
const STAGES = {
  loading: "Loading the model",
  encoding: "Reading the prompt",
  denoising: "Painting",
  decoding: "Developing the frames",
  publishing: "Saving",
};

export function duration(seconds) {
  if (seconds < 1) return "under a second";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return minutes < 10 && whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function stateText(job) {
  if (job.status === "queued") {
    if (job.queue_position === 1) return "Next in line";
    return job.queue_position ? `Number ${job.queue_position} in line` : "In line";
  }
  if (job.status !== "running") return "";
  if (job.cancel_requested) return "Stopping";
  const doing = job.total_steps ? `Step ${job.step} of ${job.total_steps}` : (STAGES[job.stage] ?? "Starting");
  const left = job.eta_seconds ? ` · ${duration(job.eta_seconds)} left` : "";
  return doing + left;
}

export function showProgress(job) {
  for (const place of document.querySelectorAll(`#row-${CSS.escape(job.id)}, [data-run="${CSS.escape(job.id)}"]`)) {
    const bar = place.querySelector("[data-bar]");
    if (bar) bar.value = job.progress;
    const state = place.querySelector("[data-state]");
    const text = stateText(job);
    if (state && text) state.textContent = text;
  }
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
