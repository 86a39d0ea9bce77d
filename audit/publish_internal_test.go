package audit

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file that a call left which ended half-way may have a name that a crash forgets: its
// folders are made durable before the checkpoint is, as if it had been written now.
func TestPublication_NamesOfFilesThatAreThereAreMadeDurable(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join("tile", "0", "000")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "tile", "0"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("hashes"), 0o600))
	p := &publication{dir: dir, touched: make(map[string]bool)}
	require.NoError(t, p.file(name, []byte("hashes"), true))
	require.Equal(t, map[string]bool{
		dir: true, filepath.Join(dir, "tile"): true, filepath.Join(dir, "tile", "0"): true,
	}, p.touched)
}
