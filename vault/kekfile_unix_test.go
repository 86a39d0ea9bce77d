//go:build unix

package vault_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/vault"
)

func TestOpenKEKFile_DoesNotWaitForANamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	opened := make(chan error, 1)
	go func() {
		_, err := vault.OpenKEKFile(path, "passphrase")
		opened <- err
	}()
	select {
	case err := <-opened:
		require.ErrorIs(t, err, vault.ErrKEKFile)
		require.ErrorContains(t, err, "not a regular file")
	case <-time.After(10 * time.Second):
		t.Fatal("it waits")
	}
}
