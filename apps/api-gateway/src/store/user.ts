import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Role } from '@fairlead/contracts';

/** A local user. The e-mail address is stored in lower case. */
@Entity({ name: 'users' })
export class User {
  /** `usr_…` */
  @PrimaryColumn({ name: 'user_id', type: 'text' })
  userId!: string;

  @Column({ type: 'text' })
  email!: string;

  /** argon2id, PHC format. */
  @Column({ name: 'password_hash', type: 'text' })
  passwordHash!: string;

  /** True until the password that the first start made has been changed. */
  @Column({ name: 'password_is_initial', type: 'boolean' })
  passwordIsInitial!: boolean;

  @Column({ type: 'text', array: true })
  roles!: Role[];

  @Column({ type: 'boolean' })
  disabled!: boolean;

  /** Raised by each change. */
  @Column({ type: 'bigint' })
  revision!: number;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;
}
