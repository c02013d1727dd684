const writers = ['administrator', 'member', 'integration'];

/** Whether somebody of these roles may change what the house records; others read. */
export const mayWrite = (roles: readonly string[]): boolean => roles.some((role) => writers.includes(role));
