import { readFile } from 'node:fs/promises';
import { writeFileAtomically } from '@fairlead/config';
import { freePort } from '@fairlead/local-servers';
import { z } from 'zod';

const portsSchema = z.record(z.string(), z.int().min(1).max(65_535));

/**
 * The ports of the fleet's servers by name, kept in a file: a placement that knows an endpoint's address stays right over a
 * restart. A fixed base gives ports in the order of asking instead and leaves the file alone.
 */
export class Ports {
  private asked = 0;

  private constructor(
    private readonly file: string,
    private readonly base: number,
    private readonly kept: Record<string, number>,
  ) {}

  /** @param base the first of a row of fixed ports, 0 to choose free ones and remember the choice */
  static async open(file: string, base: number): Promise<Ports> {
    let kept: Record<string, number> = {};
    try {
      kept = portsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw new Error(`the ports file ${file} can't be read`, { cause: error });
    }
    return new Ports(file, base, kept);
  }

  /**
   * Listens on the port of a name. A remembered port that someone else took meanwhile is replaced by another; a fixed one is
   * an error.
   */
  async listen(name: string, listen: (port: number) => Promise<number>): Promise<number> {
    if (this.base > 0) return listen(this.base + this.asked++);
    const port = await this.listenAnywhere(this.kept[name] ?? (await freePort()), listen);
    if (this.kept[name] !== port) {
      this.kept[name] = port;
      await writeFileAtomically(this.file, JSON.stringify(this.kept));
    }
    return port;
  }

  private async listenAnywhere(preferred: number, listen: (port: number) => Promise<number>): Promise<number> {
    try {
      return await listen(preferred);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      return listen(await freePort());
    }
  }
}
