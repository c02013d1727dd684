import { record } from '@throughline/service';
import { Type } from 'typebox';

const text = Type.String();
const instant = Type.String({ format: 'date-time' });
const names = Type.Array(text);

export const ErasureBegun = Type.Object({ erasureId: Type.String({ format: 'uuid' }) }, { title: 'ErasureBegun' });

const Certificate = Type.Object(
  {
    erasureId: text,
    customerId: text,
    keyDestroyedAt: instant,
    services: Type.Array(Type.Object({ service: text, at: instant })),
    completedAt: instant,
    backupsExpireOn: Type.String({ format: 'date' }),
  },
  { title: 'ErasureCertificate' },
);

export const Erasure = record('Erasure', {
  customerId: text,
  status: Type.Union([Type.Literal('running'), Type.Literal('completed')]),
  acknowledged: names,
  waitingFor: names,
  certificate: Type.Optional(Certificate),
  signed: Type.Optional(Type.String({ description: 'The certificate as a JWS; the key is in the JWK set.' })),
});
