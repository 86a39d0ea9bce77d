// Package canon is the one encoding for everything that troth hashes, signs or
// uses as associated data. A message is
//
//	0x01 | domain: u32 length, bytes | fields …
//
// where each field is a tag byte and a payload of a length that the bytes
// before it fix, all numbers big endian:
//
//	0x01 bytes   u32 length, bytes
//	0x02 text    u32 length, UTF-8
//	0x03 uint    u64
//	0x04 int     i64, two's complement
//	0x05 list    u32 count, that many fields
//	0x06 none
//
// Every message has exactly one encoding, and no message's encoding is another
// one's with other domain or fields: nothing is joined by separators, and
// nothing may follow the last field. The domain names the use and its version,
// such as "troth.vault.value/1"; two uses never share one.
//
// The Append functions do not look at what they are given: callers validate
// text before. [Parse] accepts only what they produce from valid input.
package canon

import "encoding/binary"

// version is the first byte of every message.
const version = 0x01

// Tags of fields.
const (
	TagBytes byte = 0x01
	TagText  byte = 0x02
	TagUint  byte = 0x03
	TagInt   byte = 0x04
	TagList  byte = 0x05
	TagNone  byte = 0x06
)

// AppendDomain begins a message.
func AppendDomain(dst []byte, domain string) []byte {
	dst = append(dst, version)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(domain)))
	return append(dst, domain...)
}

// AppendBytes appends a field of bytes.
func AppendBytes(dst, b []byte) []byte {
	dst = append(dst, TagBytes)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}

// AppendText appends a field of text, which must be valid UTF-8.
func AppendText[T ~string](dst []byte, s T) []byte {
	dst = append(dst, TagText)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}

// AppendUint appends an unsigned number.
func AppendUint(dst []byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, TagUint), n)
}

// AppendInt appends a signed number.
func AppendInt(dst []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, TagInt), uint64(n))
}

// AppendList begins a list; the next count fields are its elements.
func AppendList(dst []byte, count int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, TagList), uint32(count))
}

// AppendNone appends a field that is absent.
func AppendNone(dst []byte) []byte { return append(dst, TagNone) }
