package sqlstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDataFile(t *testing.T) {
	require.NoError(t, newDataFile("").check(), "in memory")
	path := filepath.Join(t.TempDir(), "shop.db")
	require.NoError(t, newDataFile(path).check(), "a file system that is not the system's")

	require.NoError(t, os.WriteFile(path, []byte("1"), 0o600))
	f := newDataFile(path)
	require.NoError(t, f.check())
	require.NoError(t, os.WriteFile(path, []byte("12"), 0o600))
	require.NoError(t, f.check(), "only written to")

	require.NoError(t, os.Rename(path, path+".old"))
	gone, ok := errors.AsType[*SettingError](f.check())
	require.True(t, ok)
	require.Equal(t, "gone", gone.Got)
	require.NoError(t, os.WriteFile(path, []byte("12"), 0o600))
	another, ok := errors.AsType[*SettingError](f.check())
	require.True(t, ok)
	require.Equal(t, "another", another.Got)
	require.NoError(t, os.Rename(path+".old", path))
	require.NoError(t, f.check())

	require.Error(t, dataFile{path: filepath.Join(path, "below"), info: f.info}.check(), "it cannot be looked for")
}
