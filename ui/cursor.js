// While the pointer is over one chart of time, a line stands at the same moment on every other one.
// Streamlit draws a chart anew when its values change: the line, and what was told under the pointer, come back then.
// Without a pointer over a chart there is one listener and nothing else.

const CHART = ".js-plotly-plot", LINE = "tapewatch-cursor", INSTALLED = Symbol.for("tapewatch cursor");

function timeAxis(chart) {
  const axis = chart._fullLayout?.xaxis;
  return axis?.type === "date" && axis._length > 0 ? axis : null;
}

function momentUnder(chart, clientX) {
  const axis = timeAxis(chart);
  if (!axis) return null;
  const along = clientX - chart.getBoundingClientRect().left - axis._offset;
  return along >= 0 && along <= axis._length ? axis.p2c(along) : null;
}

function lineOf(chart) {
  const frame = chart.querySelector(".svg-container");
  if (!frame) return null;
  let line = frame.querySelector(`:scope > .${LINE}`);
  if (!line) {
    line = document.createElement("div");
    line.className = LINE;
    line.setAttribute("aria-hidden", "true");
    line.style.cssText =
      "position:absolute;width:0;border-left:1px dashed currentColor;opacity:.55;pointer-events:none;display:none";
    frame.append(line);
  }
  return line;
}

function show(chart, moment) {
  const axis = timeAxis(chart), line = axis && lineOf(chart);
  if (!line) return;
  const along = axis.c2p(moment), size = chart._fullLayout._size;
  const inside = along >= 0 && along <= axis._length;
  line.style.display = inside ? "block" : "none";
  if (inside) Object.assign(line.style, { left: `${axis._offset + along}px`, top: `${size.t}px`, height: `${size.h}px` });
}

function install() {
  let pointer = null, waiting = 0, told = null;
  const observer = new MutationObserver((changes) => {
    const drawn = changes.some(({ addedNodes }) =>
      [...addedNodes].some((node) => node.nodeType === 1 && (node.matches(CHART) || node.closest(CHART)?.querySelector(".nsewdrag"))));
    if (drawn) later(true);
  });

  function hide() {
    pointer = told = null;
    observer.disconnect();
    document.querySelectorAll(`.${LINE}`).forEach((line) => line.remove());
  }

  function draw(anew) {
    waiting = 0;
    if (!pointer) return;
    const under = document.elementFromPoint(pointer.x, pointer.y);
    const chart = under?.closest(CHART);
    const moment = chart ? momentUnder(chart, pointer.x) : null;
    if (moment === null) return;
    for (const other of document.querySelectorAll(CHART)) if (other !== chart) show(other, moment);
    if (anew && chart !== told) {
      under.dispatchEvent(new MouseEvent("mousemove", { bubbles: true, clientX: pointer.x, clientY: pointer.y }));
    }
    told = chart;
  }

  function later(anew) {
    if (!waiting) waiting = requestAnimationFrame(() => draw(anew));
  }

  function moved(event) {
    const chart = event.target.closest?.(CHART);
    if (!chart || momentUnder(chart, event.clientX) === null) {
      if (pointer) hide();
      return;
    }
    if (!pointer) observer.observe(document.body, { childList: true, subtree: true });
    pointer = { x: event.clientX, y: event.clientY };
    later(false);
  }

  document.addEventListener("pointermove", moved, { passive: true });
  document.documentElement.addEventListener("pointerleave", hide);
  return () => {
    cancelAnimationFrame(waiting);
    document.removeEventListener("pointermove", moved);
    document.documentElement.removeEventListener("pointerleave", hide);
    hide();
  };
}

export default function () {
  document[INSTALLED]?.();
  const stop = install();
  document[INSTALLED] = stop;
  return () => {
    stop();
    if (document[INSTALLED] === stop) delete document[INSTALLED];
  };
}
