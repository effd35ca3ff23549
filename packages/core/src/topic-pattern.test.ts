import { describe, expect, expectTypeOf, it } from 'vitest';
import { MqttUsageError } from './errors.ts';
import { type TopicParams, topic } from './topic-pattern.ts';

describe('TopicParams', () => {
  it('names what the wildcards stand for', () => {
    expectTypeOf<TopicParams<'house/+room/#path'>>().toEqualTypeOf<{
      readonly room: string;
      readonly path: string[];
    }>();
    expectTypeOf<TopicParams<'a/+/b/+'>>().toEqualTypeOf<{
      readonly 0: string;
      readonly 1: string;
    }>();
    expectTypeOf<TopicParams<'+/x/+named/#'>>().toEqualTypeOf<{
      readonly 0: string;
      readonly named: string;
      readonly 1: string[];
    }>();
    expectTypeOf<TopicParams<'$share/group/a/+id'>>().toEqualTypeOf<{ readonly id: string }>();
    expectTypeOf<TopicParams<string>>().toEqualTypeOf<
      Readonly<Record<string, string | string[]>>
    >();
    expectTypeOf<TopicParams<'a/b'>>().toEqualTypeOf<Readonly<unknown>>();
  });

  it('types match and fill', () => {
    const pattern = topic('house/+room/#path');
    expectTypeOf(pattern.match).returns.toEqualTypeOf<
      { readonly room: string; readonly path: string[] } | undefined
    >();
    expectTypeOf(pattern.fill).parameter(0).toEqualTypeOf<{
      readonly room: string;
      readonly path: string[];
    }>();
  });
});

describe('topic', () => {
  it('strips the names for the wire', () => {
    expect(topic('house/+room/temperature').filter).toBe('house/+/temperature');
    expect(topic('house/#path').filter).toBe('house/#');
    expect(topic('$share/group/house/+room').filter).toBe('$share/group/house/+');
    expect(topic('a/+/#').filter).toBe('a/+/#');
    expect(topic('a/b').filter).toBe('a/b');
    expect(topic('/+x//').filter).toBe('/+//');
  });

  it('says what the wildcards stand for in a name, or that it does not match', () => {
    expect(topic('house/+room/#path').match('house/kitchen/a/b')).toEqual({
      room: 'kitchen',
      path: ['a', 'b'],
    });
    expect(topic('house/+room/#path').match('house/kitchen')).toEqual({
      room: 'kitchen',
      path: [],
    });
    expect(topic('house/#path').match('house/')).toEqual({ path: [''] });
    expect(topic('+a/+b').match('/')).toEqual({ a: '', b: '' });
    expect(topic('a/+/b/+').match('a/x/b/y')).toEqual({ 0: 'x', 1: 'y' });
    expect(topic('$share/g/a/+id').match('a/7')).toEqual({ id: '7' });
    expect(topic('a/b').match('a/b')).toEqual({});
    expect(topic('house/+room').match('garden/x')).toBeUndefined();
    expect(topic('+x').match('$SYS')).toBeUndefined();
  });

  it('fills names back in', () => {
    expect(topic('house/+room/#path').fill({ room: 'bath', path: ['a', 'b'] })).toBe(
      'house/bath/a/b',
    );
    expect(topic('house/+room/#path').fill({ room: 'bath', path: [] })).toBe('house/bath');
    expect(topic('a/+/+').fill({ 0: 'x', 1: '' })).toBe('a/x/');
    expect(topic('$share/g/a/+id').fill({ id: '7' })).toBe('a/7');
  });

  it('refuses values that are not one level', () => {
    const pattern = topic('house/+room/#path');
    expect(() => pattern.fill({ room: 'a/b', path: [] })).toThrow(
      'the value for +room must be one topic level, without "/", "+" and "#"; got "a/b"',
    );
    expect(() => pattern.fill({ room: 'a', path: ['#'] })).toThrow('the value for #path');
    expect(() => pattern.fill({ path: [] } as never)).toThrow('must be a string; got undefined');
    expect(() => pattern.fill({ room: 'a', path: 'b' } as never)).toThrow('an array of strings');
    expect(() => topic('+toString').fill({} as never)).toThrow('must be a string');
    expect(() => topic('#all').fill({ all: [] })).toThrow('must not be empty');
  });

  it('refuses filters that are none, and names that clash', () => {
    for (const wrong of [
      '',
      'a/#x/b',
      'a+b',
      'a/b#',
      '$share//a',
      '$share/g',
      'a\0',
      '+a+',
      '+x/+x',
    ]) {
      expect(() => topic(wrong), wrong).toThrow(MqttUsageError);
    }
    expect(() => topic('+x/+x')).toThrow('two wildcards named "x"');
    expect(() => topic('+/+0')).toThrow('two wildcards named "0"');
    expect(() => topic('+__proto__')).toThrow('__proto__');
    expect(() => topic(5 as never)).toThrow('must be a string; got 5');
  });
});
