/** What the native pre- and post-processing takes, from what a manifest says. */

import type {
  ClassificationManifest,
  DetectionManifest,
  PictureManifest,
} from '../../../ota/bundle/manifest.ts';
import { outputNames } from '../../../ota/bundle/output-names.ts';
import { anchorsOf, type LoadedManifest, labelsOf } from '../../../ota/bundle/read-manifest.ts';
import type { ClassificationDecoding, DetectionDecoding, PreprocessOptions } from '../../addon/vision.ts';

type Of<Head extends DetectionManifest['decoding']['head']> = Extract<
  DetectionManifest['decoding'],
  { head: Head }
>;
type Specific = Partial<DetectionDecoding>;

export function preprocessOptions({ inputs, preprocessing }: PictureManifest): PreprocessOptions {
  const { type, shape } = inputs[0]!;
  const [height, width] = preprocessing.layout === 'nchw' ? shape.slice(2) : shape.slice(1);
  return { ...preprocessing, type, width: width ?? 0, height: height ?? 0 };
}

export function detectionDecoding(loaded: LoadedManifest<DetectionManifest>): DetectionDecoding {
  const { decoding, thresholds } = loaded.manifest;
  return {
    head: decoding.head,
    outputs: outputNames(decoding),
    classes: labelsOf(loaded).length,
    threshold: thresholds.score,
    iou: thresholds.iou,
    classAgnostic: decoding.nms === 'class-agnostic',
    most: decoding.most,
    ...specific(decoding, loaded.folder),
  };
}

function specific(decoding: DetectionManifest['decoding'], folder: string): Specific {
  switch (decoding.head) {
    case 'yolox':
    case 'yolov5':
      return yolo(decoding);
    case 'yolov8':
      return { activation: decoding.activation };
    case 'nanodet': {
      const { activation, strides, bins, gridOffset } = decoding;
      return { activation, strides, bins, gridOffset };
    }
    case 'fastestdet':
      return { ...powers(decoding), strides: [decoding.stride] };
    case 'ssd':
      return ssd(decoding, folder);
    case 'yunet':
      return { ...powers(decoding), strides: decoding.levels.map(({ stride }) => stride) };
  }
}

function yolo(decoding: Of<'yolox'> | Of<'yolov5'>): Specific {
  const strides = decoding.head === 'yolox' ? decoding.strides : [];
  return { activation: decoding.activation, ...powers(decoding), strides };
}

function ssd({ activation, anchors, variances, order, background }: Of<'ssd'>, folder: string): Specific {
  const verticalFirst = order === 'yxhw';
  return { activation, anchors: anchorsOf(anchors, folder), variances, verticalFirst, background };
}

function powers({ objectnessPower, classPower }: { objectnessPower: number; classPower: number }): Specific {
  return { objectnessPower, classPower };
}

export function classificationDecoding(
  loaded: LoadedManifest<ClassificationManifest>,
): ClassificationDecoding {
  const { decoding, thresholds } = loaded.manifest;
  const classes = labelsOf(loaded).length;
  return {
    head: 'classification',
    outputs: outputNames(decoding),
    classes,
    activation: decoding.activation,
    most: Math.min(decoding.top, classes),
    threshold: thresholds.score,
  };
}
