//go:build !linux

package pgtest

import (
	"errors"
	"os"
	"syscall"
)

func unprivileged(string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() == 0 {
		return nil, errors.New("PostgreSQL does not run as root; set TROTH_POSTGRES_DSN")
	}
	return &syscall.SysProcAttr{}, nil
}

func withParent(attr *syscall.SysProcAttr) *syscall.SysProcAttr { return attr }
