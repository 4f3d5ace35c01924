/** From pictures to detections or classes: a session of any backend and what the model's manifest says of it. */

import type {
  ClassificationManifest,
  DetectionManifest,
  PictureManifest,
} from '../../../ota/bundle/manifest.ts';
import { type LoadedManifest, labelsOf } from '../../../ota/bundle/read-manifest.ts';
import type { NativeSessionHandle } from '../../addon/binding.ts';
import type { CapturedFrame } from '../../addon/capture.ts';
import {
  type ClassificationDecoding,
  type ClassScore,
  type DetectionDecoding,
  type Detection as Found,
  type Frame,
  Vision,
  type VisionResult,
} from '../../addon/vision.ts';
import { InputError, ModelError } from '../../core/errors.ts';
import type { Session, Tensors } from '../inference/session.ts';
import { classificationDecoding, detectionDecoding, preprocessOptions } from './options.ts';

export interface Detection extends Found {
  readonly label: string;
}

export interface Classified extends ClassScore {
  readonly label: string;
}

/** What the sessions of the addon's backends offer beyond the interface: a turn at the model, for native work. */
interface NativeTurns {
  perform<T>(work: (native: { readonly handle: NativeSessionHandle }) => Promise<T>): Promise<T>;
}

type Input = Float32Array | Int8Array | Uint8Array;

/**
 * Takes the session over: `close` closes it. Calls may overlap; the session puts them in order, so a frame's data must stay
 * as they are until its promise is settled. They reject with what `Session.infer` does, and with ModelError `bad-model` when the outputs are not what the manifest says.
 */
class PictureModel<T extends DetectionDecoding | ClassificationDecoding> {
  readonly labels: readonly string[];
  readonly #session: Session;
  readonly #manifest: PictureManifest;
  readonly #outputs: readonly string[];
  readonly #vision: Vision<T>;
  /** Inputs of calls that are over, for the next. */
  readonly #spare: Input[] = [];

  constructor(session: Session, { manifest, folder }: LoadedManifest<PictureManifest>, decoding: T) {
    this.#session = session;
    this.#manifest = manifest;
    this.#outputs = decoding.outputs;
    this.labels = labelsOf({ manifest, folder });
    this.#vision = new Vision(preprocessOptions(manifest), decoding);
    checkContract(session, manifest);
  }

  async find(frame: Frame | CapturedFrame): Promise<VisionResult<T>> {
    if ('perform' in this.#session) {
      const turns = this.#session as unknown as NativeTurns;
      return await turns.perform(({ handle }) => this.#vision.detect(handle, frame));
    }
    const { name, type, shape } = this.#manifest.inputs[0]!;
    const data = this.#spare.pop() ?? inputArray(this.#manifest);
    try {
      this.#vision.prepare(frame, data);
      const tensor = { type, shape: shape.map((size) => Math.abs(size)), data };
      const results = await this.#session.infer({ [name]: tensor });
      return this.#vision.decode(this.#decoded(results), frame.width, frame.height);
    } finally {
      this.#spare.push(data);
    }
  }

  #decoded(results: Tensors) {
    return this.#outputs.map((name) => {
      const tensor = results[name];
      if (tensor?.data instanceof Float32Array) return { data: tensor.data, shape: tensor.shape };
      const found = tensor ? `is ${tensor.type}` : 'is not there';
      throw new ModelError(
        'bad-model',
        `${this.#manifest.name}: output '${name}' ${found}: expected float32`,
      );
    });
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

export class Detector {
  readonly #model: PictureModel<DetectionDecoding>;

  /** @throws InputError `manifest-invalid`, ModelError `bad-model` when manifest and model contradict each other. */
  constructor(session: Session, loaded: LoadedManifest<DetectionManifest>) {
    this.#model = new PictureModel(session, loaded, detectionDecoding(loaded));
  }

  /** Names of the classes, by index. */
  get labels(): readonly string[] {
    return this.#model.labels;
  }

  /** Best first, within the picture. */
  async detect(frame: Frame | CapturedFrame): Promise<Detection[]> {
    const found = await this.#model.find(frame);
    return found.map((one) => ({ label: this.labels[one.index]!, ...one }));
  }

  close(): Promise<void> {
    return this.#model.close();
  }
}

export class Classifier {
  readonly #model: PictureModel<ClassificationDecoding>;

  /** @throws as Detector. */
  constructor(session: Session, loaded: LoadedManifest<ClassificationManifest>) {
    this.#model = new PictureModel(session, loaded, classificationDecoding(loaded));
  }

  /** Names of the classes, by index. */
  get labels(): readonly string[] {
    return this.#model.labels;
  }

  /** The best classes, best first. */
  async classify(frame: Frame): Promise<Classified[]> {
    const found = await this.#model.find(frame);
    return found.map((one) => ({ label: this.labels[one.index]!, ...one }));
  }

  close(): Promise<void> {
    return this.#model.close();
  }
}

function inputArray({ inputs, name }: PictureManifest): Input {
  const { type, shape } = inputs[0]!;
  const length = shape.reduce((product, size) => product * Math.abs(size), 1);
  switch (type) {
    case 'float32':
      return new Float32Array(length);
    case 'int8':
      return new Int8Array(length);
    case 'uint8':
      return new Uint8Array(length);
    default:
      throw new InputError('manifest-invalid', `${name}: a picture is float32, int8 or uint8, not ${type}`);
  }
}

function checkContract(session: Session, manifest: PictureManifest): void {
  const facts = session.describe();
  for (const side of ['inputs', 'outputs'] as const) {
    for (const said of manifest[side]) {
      const has = facts[side].find(({ name }) => name === said.name);
      const names = facts[side].map(({ name }) => name).join(', ');
      if (!has)
        refuse(manifest, `the manifest names '${said.name}' among its ${side}, the model has ${names}`);
      const text = ({ type, shape }: { type: string; shape: readonly number[] }) =>
        `${type} [${shape.join(', ')}]`;
      const fits =
        has?.shape.length === said.shape.length && has.shape.every((size, i) => fit(size, said.shape[i]!));
      if (!fits || has.type !== said.type) {
        refuse(manifest, `'${said.name}' is ${text(said)} in the manifest, ${has && text(has)} in the model`);
      }
    }
  }
}

const fit = (a: number, b: number) => a === b || a === -1 || b === -1;

function refuse(manifest: PictureManifest, why: string): never {
  throw new ModelError('bad-model', `${manifest.name} ${manifest.version}: ${why}`);
}
