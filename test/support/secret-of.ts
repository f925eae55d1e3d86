/** The secret of an issued key: its last 43 characters, among which `_` may be (base64url). */
export const secretOf = (key: string): string => key.slice(-43);
