import { nullTranslator } from '@jupyterlab/translation';

import { ApiError, IFinding, IFrame } from '../../model/api';
import { FileProvider, sizeText } from '../files';
import { FindingProvider } from '../findings';
import { frameLabel, FrameProvider } from '../frames';
import { FRESH, Offers } from '../offers';

const trans = nullTranslator.load('jupyter_analyst');

function frame(name: string, shape: number[], names: string[]): IFrame {
  const columns = names.map((one): [string, string] => [one, 'int64']);
  return { name, kind: 'pandas', shape, columns, bytes: 8 };
}

const GAP = frame('gapminder', [1704, 6], ['country', 'year']);
const SALES = frame('sales', [2, 2], ['region', 'qty']);

describe('tables', () => {
  it('are called by name and shape', () => {
    expect(frameLabel(GAP)).toBe('gapminder (1,704 × 6)');
  });

  it('are offered by what was typed, with their columns', async () => {
    const kernelFrames = jest.fn(async () => ({ frames: [GAP, SALES] }));
    const provider = new FrameProvider({ kernelFrames }, () => 'k', trans);
    expect(await provider.complete('sal')).toEqual([
      {
        reference: { kind: 'frame', kernel_id: 'k', name: 'sales' },
        label: 'sales (2 × 2)',
        detail: 'region, qty'
      }
    ]);
    const [gapminder, ...rest] = await provider.complete('MIND');
    expect(gapminder.detail).toBe('country, year and 4 more');
    expect(rest).toEqual([]);
    expect(await provider.complete('')).toHaveLength(2);
    expect(kernelFrames).toHaveBeenCalledTimes(1);
  });

  it('are asked for anew after a while, and of another kernel', async () => {
    let now = 0;
    let kernel: string | null = 'one';
    const kernelFrames = jest.fn(async () => ({ frames: [GAP] }));
    const provider = new FrameProvider(
      { kernelFrames },
      () => kernel,
      trans,
      new Offers(() => now)
    );
    await provider.complete('');
    now = FRESH - 1;
    await provider.complete('');
    expect(kernelFrames.mock.calls).toEqual([['one']]);
    now = FRESH;
    await provider.complete('');
    kernel = 'two';
    await provider.complete('');
    kernel = null;
    expect(await provider.complete('')).toEqual([]);
    expect(kernelFrames.mock.calls).toEqual([['one'], ['one'], ['two']]);
  });

  it('that cannot be had are told of in a sentence', async () => {
    let now = 0;
    let busy = true;
    const kernelFrames = async () => {
      if (busy) {
        throw new ApiError(409, 'The kernel is busy.');
      }
      return { frames: [GAP] };
    };
    const offers = new Offers<IFrame>(() => now);
    const provider = new FrameProvider(
      { kernelFrames },
      () => 'k',
      trans,
      offers
    );
    expect(await provider.complete('')).toEqual([]);
    expect(provider.problem).toBe('The kernel is busy.');
    busy = false;
    now = FRESH;
    expect(await provider.complete('')).toHaveLength(1);
    expect(provider.problem).toBeNull();
  });
});

describe('files', () => {
  it('are offered as the server lists them', async () => {
    const files = async (prefix: string) => ({
      files: [{ path: `data/${prefix}.csv`, bytes: 3_210_000 }]
    });
    const provider = new FileProvider({ files }, trans);
    expect(await provider.complete('x')).toEqual([
      {
        reference: { kind: 'file', path: 'data/x.csv' },
        label: 'data/x.csv',
        detail: '3.2 MB'
      }
    ]);
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 KB'],
    [64_000, '64 KB'],
    [2e15, '2000 TB']
  ])('of %d bytes have %s', (bytes, text) => {
    expect(sizeText(bytes)).toBe(text);
  });
});

describe('findings', () => {
  const known = { number: 12, question: 'How many?' } as IFinding;
  const api = {
    findings: jest.fn(async () => ({ findings: [known] })),
    finding: jest.fn(async (number: number) => {
      if (number !== 12) {
        throw new ApiError(404, 'There is no such finding.');
      }
      return known;
    })
  };
  const provider = new FindingProvider(api, trans);
  const offer = {
    reference: { kind: 'finding', number: 12 },
    label: 'F12',
    detail: 'How many?'
  };

  it('are offered by word', async () => {
    expect(await provider.complete('many')).toEqual([offer]);
    expect(api.findings).toHaveBeenCalledWith('many', 8);
  });

  it('are offered by number', async () => {
    expect(await provider.complete('F12')).toEqual([offer]);
    expect(await provider.complete('13')).toEqual([]);
    expect(provider.problem).toBeNull();
  });

  it('are all offered at the beginning of a number', async () => {
    await provider.complete('f');
    expect(api.findings).toHaveBeenLastCalledWith('', 8);
  });
});
