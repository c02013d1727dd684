import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hkdfSync,
  randomFillSync,
  type KeyObject,
} from 'node:crypto';

/** Keys for one purpose each, derived from the master key, which never leaves this closure. */
export type Secrets = {
  /** 32-byte key for a purpose: as an object, since Node takes several times as long with the bytes. */
  key: (purpose: string) => KeyObject;
  /** Keyed hash, hex: equal values can be compared, none can be read. */
  hmac: (purpose: string, value: string) => string;
};

/**
 * @param masterKey 32 bytes as 64 hex digits or in base64
 * @throws Error where it is not 32 bytes long
 */
export function secretsFrom(masterKey: string): Secrets {
  const text = masterKey.trim();
  const master = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (master.length !== 32) throw new Error('THROUGHLINE_MASTER_KEY must hold 32 bytes, as 64 hex digits or base64');
  const keys = new Map<string, KeyObject>();
  const key = (purpose: string): KeyObject => {
    let derived = keys.get(purpose);
    if (!derived)
      keys.set(purpose, (derived = createSecretKey(Buffer.from(hkdfSync('sha256', master, '', purpose, 32)))));
    return derived;
  };
  return { key, hmac: (purpose, value) => createHmac('sha256', key(purpose)).update(value).digest('hex') };
}

// PKCS #8 of an Ed25519 private key is this prefix and the 32-byte seed (RFC 8410).
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The Ed25519 key pair of a purpose: whoever has the master key can sign, whoever has the public key can check. */
export function signingKeys(secrets: Secrets, purpose: string): { privateKey: KeyObject; publicKey: KeyObject } {
  const der = Buffer.concat([pkcs8Prefix, secrets.key(purpose).export()]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

const nonceLength = 12;
const tagLength = 16;

/** Random bytes for many nonces are drawn at once: each draw costs as much as the encryption. */
const nonces = Buffer.alloc(nonceLength * 512);
let used = nonces.length;
function nextNonce(): Buffer {
  if (used === nonces.length) {
    randomFillSync(nonces);
    used = 0;
  }
  used += nonceLength;
  return nonces.subarray(used - nonceLength, used);
}

/** AES-256-GCM: nonce, ciphertext and tag in one buffer, bound to `context` (the additional authenticated data). */
export function seal(key: KeyObject, plain: Buffer | string, context: string): Buffer {
  const nonce = nextNonce();
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws Error where the key, the context or a byte of the ciphertext is not what it was. */
export function open(key: KeyObject, sealed: Buffer, context: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceLength));
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(sealed.length - tagLength));
  return Buffer.concat([decipher.update(sealed.subarray(nonceLength, sealed.length - tagLength)), decipher.final()]);
}
