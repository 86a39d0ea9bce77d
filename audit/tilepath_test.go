package audit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTilePath(t *testing.T) {
	for path, id := range map[string]tileID{
		"0/000":                          {0, 0, 256},
		"0/x001/234":                     {0, 1234, 256},
		"3/x001/x234/067":                {3, 1234067, 256},
		"1/x001/234.p/9":                 {1, 1234, 9},
		"7/999.p/255":                    {7, 999, 255},
		"0/x001/000":                     {0, 1000, 256},
		"0/x001/x000/000.p/1":            {0, 1000000, 1},
		"0/x018/x014/x398/x509/x481/983": {0, maxSize>>8 - 1, 256},
	} {
		got, ok := parseTilePath(path)
		require.True(t, ok, path)
		assert.Equal(t, id, got, path)
		assert.Equal(t, path, id.path())
	}
	for _, path := range []string{"", "0", "0/x018/x014/x398/x509/x481/984", "0/x999/x999/x999/x999/x999/x999/x999/999", "8/000"} {
		_, ok := parseTilePath(path)
		assert.False(t, ok, path)
	}
}

func TestTileID_WithinATree(t *testing.T) {
	for _, c := range []struct {
		id   tileID
		size uint64
		want bool
	}{
		{tileID{0, 0, 1}, 1, true},
		{tileID{0, 0, 2}, 1, false},
		{tileID{0, 0, 256}, 255, false},
		{tileID{0, 0, 256}, 256, true},
		{tileID{1, 0, 1}, 255, false},
		{tileID{1, 0, 1}, 256, true},
		{tileID{1, 0, 256}, 65535, false},
		{tileID{1, 0, 256}, 65536, true},
		{tileID{2, 0, 1}, 65537, true},
		{tileID{7, 0, 1}, maxSize - 1, true},
		{tileID{7, maxSize>>8 - 1, 256}, maxSize - 1, false},
	} {
		assert.Equal(t, c.want, c.id.within(c.size), "%v of %d", c.id, c.size)
	}
}

// No text but that of path is read, and what is read stays within bounds.
func FuzzTilePath(f *testing.F) {
	for _, seed := range []string{"0/000", "0/x001/234", "1/x001/234.p/9", "0/000.p/0", "x/y", "0/x", "0/" + strings.Repeat("x999/", 12), "0/x001/x/000", "7/-01", "0/+12"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		id, ok := parseTilePath(p)
		if !ok {
			return
		}
		if id.path() != p || id.width < 1 || id.width > tileWidth || id.level < 0 || id.level > maxLevel || id.n >= maxSize>>8 {
			t.Fatalf("%q is read as %v", p, id)
		}
		if strings.Contains(p, "..") || strings.HasPrefix(p, "/") {
			t.Fatalf("%q leads out of the folder", p)
		}
	})
}
