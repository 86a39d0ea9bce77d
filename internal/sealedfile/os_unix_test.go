//go:build unix

package sealedfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRead_RefusesFilesOpenToOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, CreateWith(path, testPass, testKind, testSecret, WeakForTests))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	for mode, refused := range map[os.FileMode]bool{
		0o400: false, 0o640: false, 0o604: true, 0o602: true, 0o644: true, 0o777: true,
	} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := Read(path, testPass, testKind)
		if !refused {
			require.NoError(t, err, "%o", mode)
			continue
		}
		var pe *PermissionError
		require.ErrorAs(t, err, &pe, "%o", mode)
		require.Equal(t, mode, pe.Mode.Perm())
	}
}

func TestRead_RefusesAFolder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o700))
	_, err := Read(dir, testPass, testKind)
	require.ErrorIs(t, err, ErrDamaged)
	bad, ok := errors.AsType[*FileTypeError](err)
	require.True(t, ok)
	require.Equal(t, fs.ModeDir, bad.Mode.Type())
}

// Opening a named pipe to read waits until somebody writes, which may be never.
func TestRead_DoesNotWaitForANamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	read := make(chan error, 1)
	go func() { read <- lookup(Read(path, testPass, testKind)) }()
	select {
	case err := <-read:
		require.ErrorIs(t, err, ErrDamaged)
		bad, ok := errors.AsType[*FileTypeError](err)
		require.True(t, ok)
		require.Equal(t, fs.ModeNamedPipe, bad.Mode.Type())
	case <-time.After(10 * time.Second):
		t.Fatal("it waits")
	}
}

func lookup(_ [SecretSize]byte, err error) error { return err }
