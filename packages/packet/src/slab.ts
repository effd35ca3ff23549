/**
 * Memory for encoded packets. All encoders of the process share one slab and take regions from it, so that
 * thousands of idle connections hold nothing and a busy one writes its packets side by side.
 *
 * A region lies at the end of the slab's used part and grows in place for as long as no other was opened
 * behind it. Released, it gives back what it did not use if it still lies last; a slab is dropped when it is
 * full, and its memory is freed when nobody holds a view on it any more. Bytes once written are never
 * written again.
 */

const slabSize = 64 * 1024;

/**
 * What a region claims at first: little, since many connections may each have one acknowledgement to send, and so that
 * growing is part of every turn from the first on. Met later it would have all compiled again that stands around it.
 */
const smallestClaim = 64;

/** By what it grows. */
const growth = 512;

const noBytes = new Uint8Array(0);

let slab: Uint8Array = noBytes;
/** Where the unclaimed part of the slab begins. */
let claimedEnd = 0;

export class SlabRegion {
  bytes: Uint8Array = noBytes;
  /** Where the region begins, and where it ends so far. */
  start = 0;
  end = 0;
  /** What the next region claims if this one cannot grow: twice as much each time. */
  private nextClaim = smallestClaim;

  /** Makes the region reach at least to `end` where it lies, if that is possible. */
  grow(end: number): boolean {
    if (end <= this.end) return true;
    if (this.bytes !== slab || this.end !== claimedEnd || end > slab.length) return false;
    claimedEnd = Math.min(slab.length, end + growth);
    this.end = claimedEnd;
    return true;
  }

  /** Begins a region elsewhere with room for at least `size` bytes, and leaves the old one as it is. */
  open(size: number): void {
    const claim = Math.max(size, Math.min(this.nextClaim, slabSize));
    if (size > slabSize) {
      this.bytes = new Uint8Array(size);
      this.start = 0;
    } else {
      if (slab.length - claimedEnd < claim) {
        slab = new Uint8Array(slabSize);
        claimedEnd = 0;
      }
      this.bytes = slab;
      this.start = claimedEnd;
      claimedEnd += claim;
      this.nextClaim = 2 * claim;
    }
    this.end = this.start + claim;
  }

  /** Gives back what lies behind `usedEnd` and forgets the region. */
  release(usedEnd: number): void {
    if (this.bytes === slab && this.end === claimedEnd) claimedEnd = usedEnd;
    this.bytes = noBytes;
    this.start = 0;
    this.end = 0;
    this.nextClaim = smallestClaim;
  }
}
