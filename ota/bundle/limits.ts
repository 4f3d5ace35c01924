/** Bounds and defaults of manifest.json, for the schema and for the node's reader. */

export const MANIFEST_SCHEMA = 1;
export const MOST_CLASSES = 100_000;
export const MOST_MANIFEST_BYTES = 4 * 1024 * 1024;
export const MOST_ANCHORS = 100_000;

/** Of a file of the bundle: no way out of its folder. */
export const RELATIVE_PATH = /^(?!.*(^|\/)\.\.?(\/|$))[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/;

/** Smaller models in one manifest. */
export const MOST_VARIANTS = 4;

/** What a key means that a manifest leaves out. */
export const DEFAULTS = {
  preprocessing: { filter: 'bilinear', pad: 114, mean: [0, 0, 0], divisor: [1, 1, 1] },
  decoding: {
    yolox: { activation: 'none', objectnessPower: 1, classPower: 1 },
    yolov5: { activation: 'none', objectnessPower: 1, classPower: 1 },
    yolov8: { activation: 'none' },
    nanodet: { activation: 'none', gridOffset: 0 },
    fastestdet: { objectnessPower: 0.6, classPower: 0.4 },
    ssd: { variances: [0.1, 0.2], order: 'xywh', background: true },
    yunet: { objectnessPower: 0.5, classPower: 0.5 },
    classification: { activation: 'none', top: 5 },
    score: {},
  },
  detection: { nms: 'per-class', most: 100 },
} as const;
