/** Runs in the measured page before its own scripts: what the page's clock and observers tell. */
const seen = { readable: 0, ready: 0, tasks: [], shift: 0, now: 0 };

new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) seen.tasks.push({ at: startTime, ms: duration });
}).observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) seen.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });

/** A frame is only drawn once the stylesheet is here; the composer stands behind the last message. */
function watch() {
  if (!seen.readable && document.querySelector("[data-composer]")) seen.readable = performance.now();
  if (document.body?.dataset.connected === undefined) requestAnimationFrame(watch);
  else seen.ready = performance.now();
}
requestAnimationFrame(watch);

const LOOK_STEPS = 20;

/** Scrolls a step a frame until a message is in the list and there is nothing left to scroll. */
async function scrollTo(goal, step) {
  const scroller = document.querySelector("[data-scroller]");
  const list = document.querySelector("[data-messages]");
  const numbers = new Set();
  const result = { missing: 0, longestFrame: 0, elements: 0 };
  let at = performance.now();
  for (let idle = 0, steps = 0; idle < 600; idle += 1, steps += 1) {
    if (note(list.firstElementChild, "nextElementSibling", numbers)) idle = 0;
    if (note(list.lastElementChild, "previousElementSibling", numbers)) idle = 0;
    if (steps % LOOK_STEPS === 0)
      result.elements = Math.max(result.elements, document.getElementsByTagName("*").length);
    const before = scroller.scrollTop;
    scroller.scrollBy({ top: step, behavior: "instant" });
    await new Promise(requestAnimationFrame);
    result.longestFrame = Math.max(result.longestFrame, performance.now() - at);
    at = performance.now();
    if (numbers.has(String(goal)) && scroller.scrollTop === before) break;
  }
  const seqs = [...numbers].map(Number);
  result.missing = Math.max(...seqs, goal) - Math.min(...seqs, goal) + 1 - seqs.length;
  return result;
}

/** Notes numbers from an end of the list on, as far as they are new: to look at all would cost what is measured. */
function note(element, next, numbers) {
  let isNew = false;
  for (let each = element; each; each = each[next]) {
    const { seq } = each.dataset;
    if (!seq) continue;
    if (numbers.has(seq)) break;
    numbers.add(seq);
    isNew = true;
  }
  return isNew;
}

window.bench = { look: () => ({ ...seen, now: performance.now() }), scrollTo };
