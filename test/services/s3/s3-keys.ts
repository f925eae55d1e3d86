export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}
