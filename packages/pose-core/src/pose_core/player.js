"use strict";
const STEPS = 16, MISSING = -32768;  // as in rendering/player.py

function integers(text) {  // of base64
  return new Int16Array(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
}

function frameAt(frames, fps, seconds) {  // a frame's own start must not round down to the frame before
  return Math.min(frames - 1, Math.floor(seconds * fps + 1e-6));
}

function pointsOf(coordinates, keypoints, frame) {  // of a point in a frame, in steps
  const start = 2 * keypoints * frame;
  return [point => coordinates[start + 2 * point], point => coordinates[start + 2 * point + 1]];
}

function clearCanvas(canvas) {
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
}

// `unit` is a pixel of the layer's widths in the steps of its coordinates; `color` replaces the layer's own colors.
function drawLayer(context, layer, x, y, unit, color = null) {
  const trace = ends => {
    context.beginPath();
    for (let i = 0; i < ends.length; i += 2) {
      if (x(ends[i]) === MISSING || x(ends[i + 1]) === MISSING) continue;
      context.moveTo(x(ends[i]), y(ends[i]));
      context.lineTo(x(ends[i + 1]), y(ends[i + 1]));
    }
    context.stroke();
  };
  context.lineCap = "round";
  if (layer.halo) {
    context.strokeStyle = "#ffffff";
    context.lineWidth = (layer.line + 2 * layer.halo) * unit;
    for (const [, ends] of layer.lines) trace(ends);
  }
  context.lineWidth = layer.line * unit;
  for (const [own, ends] of layer.lines) {
    context.strokeStyle = color ?? own;
    trace(ends);
  }
  for (const [own, points] of layer.dots) {
    context.fillStyle = color ?? own;
    for (const point of points) {
      if (x(point) === MISSING) continue;
      context.beginPath();
      context.arc(x(point), y(point), layer.dot * unit, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

// Returns what starts it: `advance` is then called with the seconds that have passed, times `speed()`, whenever the
// screen is drawn anew, until it returns false.
function makeClock(speed, advance) {
  let before = null;  // milliseconds at the last tick, null after a break
  let ticking = false;
  const tick = now => {
    const passed = before === null ? 0 : (now - before) / 1000 * speed();
    before = now;
    ticking = advance(passed);
    if (ticking) requestAnimationFrame(tick);
  };
  document.addEventListener("visibilitychange", () => { before = null; });  // a hidden page is not played
  return () => {
    if (ticking) return;
    ticking = true;
    before = null;
    requestAnimationFrame(tick);
  };
}
