package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The walk through, as the page says it: with curl, age and unzip.
func TestWalk(t *testing.T) {
	for _, program := range []string{"sh", "curl", "age", "age-keygen", "unzip"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("TROTH_REQUIRE_AGE") == "1" {
				t.Fatalf("%s is not installed, and TROTH_REQUIRE_AGE wants it", program)
			}
			t.Skipf("%s is not installed", program)
		}
	}
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, t.TempDir(), listener) }()
	walk := exec.CommandContext(t.Context(), "sh", "walk.sh", "http://"+listener.Addr().String()+"/privacy", t.TempDir())
	walk.WaitDelay = time.Second
	out, err := walk.CombinedOutput()
	require.NoError(t, err, string(out))
	said := string(out)
	for _, want := range []string{
		"_id,article,cents,_more\r\n1,A globe,4900,\r\n2,A map,900,\r\n", "1,Where is my globe?,!redacted:third_party,\r\n",
		"once more: 410\nfulfilled\n", "the same answer: yes\n", `{"source":"purchases","title":"What you bought","located":true,"found":2,"tries":0,"outcome":"done","method":"deleted","records":2}`,
	} {
		require.Contains(t, said, want)
	}
	require.True(t, strings.HasSuffix(said, "fulfilled\n== with a certificate that anybody can check\n\"stage\": \"provisional\"\n"), said)
	cancel()
	require.NoError(t, <-ended)
}
