package canon_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/canon"
)

var update = flag.Bool("update", false, "write testdata/vectors.txt anew")

const vectorsFile = "testdata/vectors.txt"

func text(s string) canon.Field { return canon.Field{Tag: canon.TagText, Text: s} }
func data(b ...byte) canon.Field {
	return canon.Field{Tag: canon.TagBytes, Bytes: append([]byte{}, b...)}
}

func uintOf(n uint64) canon.Field {
	return canon.Field{Tag: canon.TagUint, Uint: n}
}
func intOf(n int64) canon.Field { return canon.Field{Tag: canon.TagInt, Int: n} }
func none() canon.Field         { return canon.Field{Tag: canon.TagNone} }
func list(items ...canon.Field) canon.Field {
	return canon.Field{Tag: canon.TagList, List: append([]canon.Field{}, items...)}
}

// vectors are the golden messages. Once released an entry never changes.
var vectors = []struct {
	name    string
	message canon.Message
}{
	{"no fields", canon.Message{Domain: "troth.test/1"}},
	{"empty fields", canon.Message{Domain: "troth.test/1", Fields: []canon.Field{data(), text(""), list(), none()}}},
	{"numbers", canon.Message{Domain: "troth.test/1", Fields: []canon.Field{
		uintOf(0), uintOf(1), uintOf(math.MaxUint64),
		intOf(0), intOf(-1), intOf(math.MinInt64), intOf(math.MaxInt64),
	}}},
	{"text in several scripts", canon.Message{Domain: "troth.test/1", Fields: []canon.Field{
		text("acme"), text("größe"), text("日本語"), text("\U0001f511"), text("\u0000"),
	}}},
	{"bytes", canon.Message{Domain: "troth.test/1", Fields: []canon.Field{data(0), data(0xff, 0xfe), data(bytes.Repeat([]byte{0xa5}, 32)...)}}},
	{"lists in lists", canon.Message{Domain: "troth.test/2", Fields: []canon.Field{
		list(uintOf(7), list(text("a"), list(none())), data(1)), intOf(1),
	}}},
	{"associated data of a value", canon.Message{Domain: "troth.test.value/1", Fields: []canon.Field{
		text("acme"), text("person-1"), text("default"), text("customers"), text("email"), text("1"), uintOf(3),
	}}},
}

// render writes the vectors in a form that people read.
func render() string {
	var out strings.Builder
	out.WriteString("# Golden vectors of internal/canon: what it is, then its encoding in hex.\n")
	for _, v := range vectors {
		fmt.Fprintf(&out, "\n[%s]\ndomain %q\n", v.name, v.message.Domain)
		describe(&out, v.message.Fields, "")
		encoded := hex.EncodeToString(v.message.Append(nil))
		for len(encoded) > 64 {
			fmt.Fprintf(&out, "= %s\n", encoded[:64])
			encoded = encoded[64:]
		}
		fmt.Fprintf(&out, "= %s\n", encoded)
	}
	return out.String()
}

func describe(out *strings.Builder, fields []canon.Field, indent string) {
	for _, f := range fields {
		switch f.Tag {
		case canon.TagBytes:
			fmt.Fprintf(out, "%sbytes 0x%x\n", indent, f.Bytes)
		case canon.TagText:
			fmt.Fprintf(out, "%stext %+q\n", indent, f.Text)
		case canon.TagUint:
			fmt.Fprintf(out, "%suint %d\n", indent, f.Uint)
		case canon.TagInt:
			fmt.Fprintf(out, "%sint %d\n", indent, f.Int)
		case canon.TagList:
			fmt.Fprintf(out, "%slist %d\n", indent, len(f.List))
			describe(out, f.List, indent+"  ")
		case canon.TagNone:
			fmt.Fprintf(out, "%snone\n", indent)
		}
	}
}

func TestVectors_EncodeAsRecorded(t *testing.T) {
	if *update {
		require.NoError(t, os.WriteFile(vectorsFile, []byte(render()), 0o644))
	}
	recorded, err := os.ReadFile(vectorsFile)
	require.NoError(t, err)
	require.Equal(t, string(recorded), render(), "run with -update only if no released format changes")
}

func TestVectors_DecodeToWhatTheyWere(t *testing.T) {
	for _, v := range vectors {
		m, err := canon.Parse(v.message.Append(nil))
		require.NoError(t, err, v.name)
		require.Equal(t, v.message, m, v.name)
	}
}

func TestVectors_EveryTruncationIsAnotherMessageOrNone(t *testing.T) {
	for _, v := range vectors {
		encoded := v.message.Append(nil)
		for n := range encoded {
			requireAnother(t, v.message, encoded[:n])
		}
		for _, more := range []string{"\x00", "\x06", "\x01", string(encoded)} {
			requireAnother(t, v.message, append(bytes.Clone(encoded), more...))
		}
	}
}

func TestVectors_EveryChangedByteIsAnotherMessageOrNone(t *testing.T) {
	for _, v := range vectors {
		encoded := v.message.Append(nil)
		for i := range encoded {
			for b := range 256 {
				if byte(b) == encoded[i] {
					continue
				}
				changed := bytes.Clone(encoded)
				changed[i] = byte(b)
				requireAnother(t, v.message, changed)
			}
		}
	}
}

// requireAnother demands that the bytes are no encoding of the message.
func requireAnother(t *testing.T, original canon.Message, changed []byte) {
	t.Helper()
	m, err := canon.Parse(changed)
	if err != nil {
		require.ErrorIs(t, err, canon.ErrMalformed)
		return
	}
	if reflect.DeepEqual(original, m) {
		t.Fatalf("%x is a second encoding of %q", changed, original.Domain)
	}
	if again := m.Append(nil); !bytes.Equal(again, changed) {
		t.Fatalf("%x was accepted for %x", changed, again)
	}
}
