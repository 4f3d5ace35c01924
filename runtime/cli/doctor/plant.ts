/** Looks at what the configuration names: buses, serial ports, recordings. */

import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import type { Config, SourceConfig } from '../../config/schema/root.ts';
import { describeError } from '../../core/errors.ts';
import { diagnosePort } from '../../sources/port/diagnose.ts';
import { type Finding, failure, ok } from './finding.ts';

const CONNECT_LIMIT_MS = 3000;

export function sources(config: Config): Promise<Finding[]> {
  return Promise.all(config.sources.map(source));
}

async function source(config: SourceConfig): Promise<Finding> {
  const check = `source ${config.name}`;
  if (config.type === 'replay') return recording(check, config.file);
  if (config.serial) return serialPort(check, config.serial.path);
  return endpoint(check, config.type === 'modbus' ? config.tcp : undefined);
}

function serialPort(check: string, path: string): Finding {
  const problem = diagnosePort(path);
  return problem
    ? failure(check, `serial port ${path}`, problem.message)
    : ok(check, `serial port ${path} is there and may be opened`);
}

async function endpoint(check: string, tcp: { host: string; port: number } | undefined): Promise<Finding> {
  if (!tcp) return ok(check, 'nothing to look at');
  const where = `${tcp.host}:${tcp.port}`;
  const error = await reach(tcp.host, tcp.port);
  if (!error) return ok(check, `${where} accepts connections`);
  return failure(
    check,
    `${where}: ${error}`,
    'check address, port, cable and firewall; is the device on, and does it allow one more connection?',
  );
}

function recording(check: string, file: string): Finding {
  try {
    accessSync(file, constants.R_OK);
    return ok(check, `${file} can be read`);
  } catch (error) {
    return failure(
      check,
      describeError(error),
      'check the path: relative ones start at the configuration file',
    );
  }
}

/** @returns why a TCP connection cannot be made; undefined when it can. */
export function reach(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_LIMIT_MS });
    const done = (problem?: string) => {
      socket.destroy();
      resolve(problem);
    };
    socket.once('connect', () => done());
    socket.once('timeout', () => done(`no answer within ${CONNECT_LIMIT_MS / 1000} s`));
    socket.once('error', (error) => done(describeError(error)));
  });
}
