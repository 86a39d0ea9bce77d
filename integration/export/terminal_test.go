package export_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// typed runs a program at a terminal, and types a line when it asks for one.
func typed(t *testing.T, text, name string, args ...string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	defer func() { _ = master.Close() }() // closed already, where all is well
	var number, unlocked int32
	require.NoError(t, ioctl(master, syscall.TIOCSPTLCK, &unlocked))
	require.NoError(t, ioctl(master, syscall.TIOCGPTN, &number))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, cmd.Start())
	require.NoError(t, slave.Close())

	said := make(chan string, 1)
	go func() {
		var all strings.Builder
		b := make([]byte, 1024)
		asked := false
		for {
			n, err := master.Read(b)
			all.Write(b[:n])
			if !asked && strings.Contains(all.String(), "passphrase") {
				asked = true
				_, _ = master.WriteString(text + "\n") // an error ends the reading too
			}
			if err != nil { // the program has left
				said <- all.String()
				return
			}
		}
	}()
	err = cmd.Wait()
	require.NoError(t, err, "%s", <-said)
}

func ioctl(f *os.File, request uintptr, to *int32) error {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(to))) //nolint:gosec // the system's own call for terminals
	if errno != 0 {
		return errno
	}
	return nil
}
