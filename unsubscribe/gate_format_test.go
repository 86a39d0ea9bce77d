package unsubscribe

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/unsubscribe/internal/index"
)

func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// TestIndexFile_Vector writes the file that docs/formats/unsubscribe-index.md shows,
// and reads it.
func TestIndexFile_Vector(t *testing.T) {
	page, err := os.ReadFile("../docs/formats/unsubscribe-index.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```hex\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, block)
	want, err := hex.DecodeString(strings.Join(strings.Fields(string(block[1])), ""))
	require.NoError(t, err)

	g := &Gate{r: &Registry{keys: vectorKeys{}}}
	key := index.Key(counting(32))
	row := EntryRow{Tenant: "acme", Channel: Email, List: "letter", Marks: [4]int64{5, 0, 7, 6}, OptInAt: 6}
	m, blocks := markOf(&row)
	require.True(t, blocks)
	g.index.Put(&key, []mark{m})
	at := position(&FeedEvent{Tenant: "acme", Key: key, At: 1_795_000_000_000_000, Position: 77})
	var file bytes.Buffer
	require.NoError(t, g.index.Write(&file, at, g.format(t.Context())))
	require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(file.Bytes()))

	b, back, err := index.Read(bytes.NewReader(want), int64(len(want)), g.format(t.Context()))
	require.NoError(t, err)
	require.Equal(t, at, back)
	require.Equal(t, 1, b.Len())
}

// TestParseMark_RefusesWhatNoGateWrites: each mark has one encoding.
func TestParseMark_RefusesWhatNoGateWrites(t *testing.T) {
	whole := appendMark(nil, mark{"acme", Email, "letter", 5})
	m, err := parseMark(whole)
	require.NoError(t, err)
	require.Equal(t, mark{"acme", Email, "letter", 5}, m)
	for i := range whole {
		for _, b := range [][]byte{whole[:i], append(bytes.Clone(whole[:i]), append([]byte{whole[i] ^ 0x80}, whole[i+1:]...)...)} {
			if m, err := parseMark(b); err == nil {
				require.Equal(t, b, appendMark(nil, m))
			}
		}
	}
	for _, m := range []mark{{"acme", "pigeon", "", 1}, {"acme", Email, "", 0}, {"acme", Email, "", 16}} {
		_, err := parseMark(appendMark(nil, m))
		require.ErrorIs(t, err, ErrRecord)
	}
}
