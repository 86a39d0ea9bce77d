package export

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSpool_GivesBackWhatItKeeps(t *testing.T) {
	s := &spool{dir: t.TempDir()}
	defer s.close()
	piece := bytes.Repeat([]byte("personal "), 1<<17)
	var kept []extent
	for i := range 8 {
		e, err := s.put(piece[i:])
		require.NoError(t, err)
		kept = append(kept, e)
	}
	require.NotNil(t, s.file, "some of it is in the file")
	mark := s.end
	for range 3 {
		s.release(mark)
		e, err := s.put([]byte("short"))
		require.NoError(t, err)
		b, err := s.get(e)
		require.NoError(t, err)
		require.Equal(t, "short", string(b))
	}
	for i, e := range kept {
		b, err := s.get(e)
		require.NoError(t, err)
		require.Equal(t, piece[i:], b)
	}
}

// What lies on the disk cannot be read, has no name, and is refused if it changes.
func TestSpool_LeavesNothingReadable(t *testing.T) {
	dir := t.TempDir()
	s := &spool{dir: dir}
	defer s.close()
	var last extent
	for range 6 {
		var err error
		last, err = s.put(bytes.Repeat([]byte("personal "), 1<<17))
		require.NoError(t, err)
	}
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, names)
	info, err := s.file.Stat()
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	raw := make([]byte, info.Size())
	_, err = s.file.ReadAt(raw, 0)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "personal")
	_, err = s.file.WriteAt([]byte{raw[len(raw)-100] ^ 1}, int64(len(raw)-100))
	require.NoError(t, err)
	_, err = s.get(last)
	require.Error(t, err)
}
