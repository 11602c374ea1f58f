// Command inside is what the containers of this package's tests run.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	switch args := os.Args[1:]; args[0] {
	case "print": // to both outputs, without a newline at the end of the last line
		fmt.Println("out one")
		fmt.Fprintln(os.Stderr, "err one")
		fmt.Print("out two")
	case "long":
		fmt.Println(strings.Repeat("x", 20000))
	case "eat": // memory, for ever
		var all [][]byte
		for {
			piece := make([]byte, 1<<20)
			for i := range piece {
				piece[i] = 1
			}
			all = append(all, piece)
		}
	case "exit":
		var code int
		fmt.Sscan(args[1], &code)
		os.Exit(code)
	case "wait": // until the signal that is named, or for ever
		got := make(chan os.Signal, 1)
		signal.Notify(got, syscall.SIGTERM, syscall.SIGQUIT)
		fmt.Println("waiting")
		for {
			sig := <-got
			fmt.Println("got", sig)
			if len(args) > 1 && sig.String() == args[1] {
				return
			}
		}
	case "pause":
		end := make(chan os.Signal, 1)
		signal.Notify(end, syscall.SIGTERM)
		<-end
	case "self": // who and where we are
		host, _ := os.Hostname()
		cwd, _ := os.Getwd()
		status, _ := os.ReadFile("/proc/self/status")
		fmt.Println("host", host, "cwd", cwd, "uid", os.Getuid(), "pid", os.Getpid(), "args", strings.Join(args[1:], "|"))
		for _, line := range strings.Split(string(status), "\n") {
			if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "NoNewPrivs") || strings.HasPrefix(line, "Seccomp:") {
				fmt.Println(strings.Join(strings.Fields(line), " "))
			}
		}
	case "env":
		for _, e := range os.Environ() {
			fmt.Println(e)
		}
	case "cat":
		for _, name := range args[1:] {
			data, err := os.ReadFile(name)
			if err != nil {
				fmt.Println(err)
				continue
			}
			os.Stdout.Write(data)
		}
	case "write":
		fmt.Println(os.WriteFile(args[1], []byte(args[2]), 0o644))
	case "pids":
		entries, _ := os.ReadDir("/proc")
		for _, e := range entries {
			if cmd, err := os.ReadFile("/proc/" + e.Name() + "/cmdline"); err == nil && e.Name()[0] >= '0' && e.Name()[0] <= '9' {
				fmt.Println(e.Name(), strings.ReplaceAll(strings.TrimRight(string(cmd), "\x00"), "\x00", " "))
			}
		}
	case "echo": // standard input to standard output, then an end
		io.Copy(os.Stdout, os.Stdin)
		fmt.Println("end")
	case "serve": // answers each connection with what it sends
		l, err := net.Listen("tcp", "127.0.0.1:"+args[1])
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("serving")
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(conn, conn); conn.Close() }()
		}
	}
}
