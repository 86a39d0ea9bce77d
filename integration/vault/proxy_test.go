package vault_test

import (
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// proxy stands between a process and PostgreSQL, and can be cut.
type proxy struct {
	// dsn is the database by way of the proxy.
	dsn      string
	to       func() (net.Conn, error)
	listener net.Listener

	mu    sync.Mutex
	down  bool
	conns []net.Conn
}

func newProxy(t *testing.T, dsn string) *proxy {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	p := &proxy{to: func() (net.Conn, error) { return net.Dial(network, address) }}
	p.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.dsn = by(t, dsn, p.listener.Addr().(*net.TCPAddr))
	var work sync.WaitGroup
	t.Cleanup(func() {
		_ = p.listener.Close()
		p.cut()
		work.Wait()
	})
	work.Go(func() {
		for {
			c, err := p.listener.Accept()
			if err != nil {
				return
			}
			work.Go(func() { p.carry(c) })
		}
	})
	return p
}

// by puts another address into a DSN of either form.
func by(t *testing.T, dsn string, at *net.TCPAddr) string {
	t.Helper()
	if !strings.Contains(dsn, "://") {
		return dsn + " host=" + at.IP.String() + " port=" + strconv.Itoa(at.Port)
	}
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.Host = at.String()
	return u.String()
}

func (p *proxy) carry(from net.Conn) {
	defer func() { _ = from.Close() }()
	if !p.keep(from) { // before the server hears of it
		return
	}
	to, err := p.to()
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	if !p.keep(to) {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(way[1], way[0])
			_ = way[1].Close()
		})
	}
	both.Wait()
}

// keep remembers a connection, unless the wire is cut.
func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return false
	}
	p.conns = append(p.conns, c)
	return true
}

// cut ends all connections, and every one that is tried from now on.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// mend lets new connections through.
func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}
