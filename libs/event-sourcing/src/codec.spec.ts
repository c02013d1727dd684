import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import {
  Personal,
  earlier,
  erased,
  event,
  isErased,
  type AnyEvent,
  type EventDefinition,
} from '@throughline/contracts';
import { freshStore } from '../test/database.ts';
import { recorded } from '../test/events.ts';
import { Codec, MalformedEvent, UnknownEvent, newId, type Stored } from './index.ts';

const text = Type.String();
const ofMember = { subject: 'memberId' };

/** First a name and the home of somebody else, then the parts of the name, then the home under another subject's name. */
const first = { name: Personal(text), home: Type.Optional(Personal(text, { subject: 'landlord' })), landlord: text };
const second = {
  givenName: Personal(text),
  familyName: Personal(text),
  home: Type.Optional(Personal(text, { subject: 'landlord' })),
  landlord: text,
};
const third = {
  givenName: Personal(text),
  familyName: Personal(text),
  address: Type.Optional(Personal(text, ofMember)),
  memberId: text,
  consented: Type.Boolean(),
};
const split = earlier(first, ({ name, ...rest }) => {
  if (isErased(name)) return { ...rest, givenName: name, familyName: name };
  const [givenName = '', familyName = ''] = name.split(' ');
  return { ...rest, givenName, familyName };
});
const moved = earlier(second, ({ home, landlord, ...rest }) => ({
  ...rest,
  ...(home !== undefined && { address: home }),
  memberId: landlord,
  consented: false,
}));
const tenantJoined = [
  event('tenant', first),
  event('tenant', second, { schemaVersion: 2, earlier: [split] }),
  event('tenant', third, { schemaVersion: 3, earlier: [split, moved] }),
] as const;

let kernel: Awaited<ReturnType<typeof freshStore>>;
beforeAll(async () => {
  kernel = await freshStore({});
});
afterAll(() => kernel.drop());

const codecOf = (TenantJoined: EventDefinition) => new Codec({ TenantJoined }, kernel.keyring);

/** As a release with that codec writes it. */
async function stored(codec: Codec, said: object, streamId: string = newId()): Promise<Stored> {
  const joined = { type: 'TenantJoined', ...said } as AnyEvent;
  const { id, data: _, meta, ...envelope } = recorded(1, joined.type, streamId);
  const encoded = codec.encode(joined, id, streamId, await codec.keysToEncode(codec.subjectsOf([joined], streamId)));
  return { ...envelope, ...encoded, id, meta: JSON.stringify(meta), hash: '' };
}
const decoded = async (codec: Codec, event: Stored) => (await codec.decode([event]))[0];

const [v1, v2, v3] = [0, 1, 2].map((index) => () => codecOf(tenantJoined[index]!)) as [
  () => Codec,
  () => Codec,
  () => Codec,
];
const ada = { name: 'Ada Lovelace', home: '伦敦 St James’s Square 12' };

describe('an event of an earlier version', () => {
  it('is read as the newest one, through every version in between', async () => {
    const landlord = newId();
    const old = await stored(v1(), { ...ada, landlord });
    expect(await decoded(v2(), old)).toMatchObject({
      schemaVersion: 2,
      data: { givenName: 'Ada', familyName: 'Lovelace', home: ada.home, landlord },
    });
    const newest = {
      givenName: 'Ada',
      familyName: 'Lovelace',
      address: ada.home,
      memberId: landlord,
      consented: false,
    };
    expect(await decoded(v3(), old)).toMatchObject({ schemaVersion: 3, data: newest });
    const middle = await stored(v2(), { givenName: 'Ada', familyName: 'Lovelace', home: ada.home, landlord });
    expect((await decoded(v3(), middle))?.data).toEqual(newest);
  });

  it('keeps what was personal erased under its new names, once the key is destroyed', async () => {
    const [tenant, landlord] = [newId(), newId()];
    const old = await stored(v1(), { ...ada, landlord }, tenant);
    await kernel.keyring.destroy(tenant);
    expect((await decoded(v3(), old))?.data).toEqual({
      givenName: erased,
      familyName: erased,
      address: ada.home,
      memberId: landlord,
      consented: false,
    });
    await kernel.keyring.destroy(landlord);
    expect((await decoded(v3(), old))?.data).toMatchObject({ familyName: erased, address: erased, memberId: landlord });
  });

  it('says nothing of properties that only later versions have', async () => {
    const tenant = newId();
    const plain = event('tenant', { name: Personal(text) });
    const withNick = event(
      'tenant',
      { name: Personal(text), nick: Type.Optional(Personal(text)) },
      { schemaVersion: 2, earlier: [earlier(plain.data.properties, (data) => data)] },
    );
    const old = await stored(codecOf(plain), { name: 'Ada' }, tenant);
    await kernel.keyring.destroy(tenant);
    expect((await decoded(codecOf(withNick), old))?.data).toEqual({ name: erased });
  });

  it('is no longer written', async () => {
    await expect(stored(v2(), { ...ada, landlord: newId() })).rejects.toThrow(MalformedEvent);
    expect(await stored(v3(), { givenName: '', familyName: '', memberId: 'm', consented: true })).toMatchObject({
      schemaVersion: 3,
    });
  });
});

describe('a codec', () => {
  it('does not know events of a newer version, or of none', async () => {
    const newer = await stored(v2(), { givenName: 'Ada', familyName: 'L', landlord: newId() });
    expect([v1().knows(newer), v2().knows(newer), v3().knows(newer)]).toEqual([false, true, true]);
    await expect(decoded(v1(), newer)).rejects.toThrow('unknown event TenantJoined v2: this release is too old');
    await expect(decoded(v2(), { ...newer, schemaVersion: 0 })).rejects.toThrow(UnknownEvent);
    await expect(decoded(v2(), { ...newer, type: 'TenantLeft' })).rejects.toThrow(UnknownEvent);
  });

  it.each([
    ['no upcaster', 2, [], 'TenantJoined v2 needs an upcaster from each of its 1 earlier versions, and has 0'],
    ['one too few', 3, [split], 'TenantJoined v3 needs an upcaster from each of its 2 earlier versions, and has 1'],
    ['one too many', 1, [split], 'TenantJoined v1 needs an upcaster from each of its 0 earlier versions, and has 1'],
  ])('is refused with %s', (_, schemaVersion, versions, message) => {
    const definition = event('tenant', third, { schemaVersion, earlier: versions });
    expect(() => codecOf(definition)).toThrow(message);
  });
});
