// Command inside is the program of the containers in the tests: it does one thing and prints what came of it.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	if len(os.Args) < 2 {
		return
	}
	if err := do(os.Args[1], os.Args[2:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func do(verb string, args []string) error {
	switch verb {
	case "true":
	case "again":
		return syscall.Exec("/bin/inside", []string{"inside", "true"}, nil)
	case "exit":
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	case "echo":
		fmt.Println(strings.Join(args, " "))
	case "env":
		fmt.Println(strings.Join(os.Environ(), "\n"))
	case "pwd":
		var buf [4096]byte
		n, err := syscall.Getcwd(buf[:])
		fmt.Println(string(buf[:n-1]))
		return err
	case "cat":
		return cat(args)
	case "copy":
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	case "ls":
		return ls(args[0])
	case "write":
		return os.WriteFile(args[0], []byte(args[1]), 0o644)
	case "open":
		f, err := os.OpenFile(args[0], os.O_RDWR, 0)
		if err == nil {
			fmt.Println("opened")
			f.Close()
		}
		return err
	case "overwrite":
		return overwrite(args[0])
	case "fds":
		return fds()
	case "id":
		groups, err := os.Getgroups()
		fmt.Println(os.Getuid(), os.Getgid(), groups)
		return err
	case "status":
		return status(args)
	case "limit":
		n, _ := strconv.Atoi(args[0])
		var l syscall.Rlimit
		err := syscall.Getrlimit(n, &l)
		fmt.Println(l.Cur, l.Max)
		return err
	case "umask":
		fmt.Printf("%04o\n", syscall.Umask(0))
	case "mode":
		return mode(args[0])
	case "tty":
		return tty()
	case "syscall":
		return call(args)
	case "wait":
		return wait(args)
	case "orphan":
		return orphan()
	case "child":
		return child(args[0])
	case "spin":
		for {
		}
	case "eat":
		return eat(args[0])
	case "hold":
		return errors.Join(eat(args[0]), wait(nil))
	case "fork":
		return fork(args[0])
	default:
		return fmt.Errorf("inside: %q?", verb)
	}
	return nil
}

func cat(files []string) error {
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		_, _ = os.Stdout.Write(b)
	}
	return nil
}

func ls(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		fmt.Println(e.Name())
	}
	return err
}

// overwrite keeps hold of a file, waits for a word, and then tries to write to it.
func overwrite(path string) error {
	const oPath = 0x200000
	fd, err := syscall.Open(path, oPath|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	fmt.Println("holding")
	_, _ = os.Stdin.Read(make([]byte, 1))
	f, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_WRONLY, 0)
	if err == nil {
		fmt.Println("opened for writing")
		f.Close()
	}
	return err
}

// fds prints what was open before Go opened anything: descriptors that Go makes are close-on-exec.
func fds() error {
	for fd := range 64 {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
		if errno == 0 && flags&syscall.FD_CLOEXEC == 0 {
			fmt.Println(fd)
		}
	}
	return nil
}

func status(names []string) error {
	b, err := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		for _, n := range names {
			if strings.HasPrefix(line, n+":") {
				fmt.Print(line)
			}
		}
	}
	return err
}

func mode(path string) error {
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		return err
	}
	fmt.Printf("%o %d:%d\n", st.Mode, st.Rdev>>8, st.Rdev&255)
	return nil
}

func tty() error {
	var size [4]uint16
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, 0, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return errno
	}
	name, err := os.Readlink("/proc/self/fd/0")
	if err != nil {
		return err
	}
	console, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer console.Close()
	fmt.Println(name, size[0], size[1])
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	fmt.Println("ready")
	<-changed
	_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, 0, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	fmt.Println(size[0], size[1])
	return nil
}

// call makes one system call with numeric arguments and prints its errno.
func call(args []string) error {
	var n [4]uintptr
	for i, a := range args {
		v, err := strconv.ParseUint(a, 0, 64)
		if err != nil {
			return err
		}
		n[i] = uintptr(v)
	}
	_, _, errno := syscall.RawSyscall(n[0], n[1], n[2], n[3])
	fmt.Println("errno", int(errno))
	return nil
}

// wait says "ready" and stays until a signal comes; with an argument it exits with it on SIGTERM.
func wait(args []string) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	fmt.Println("ready")
	<-signals
	if len(args) > 0 {
		return do("exit", args)
	}
	return nil
}

// orphan leaves a child behind that outlives it.
func orphan() error {
	cmd := exec.Command("/proc/self/exe", "child", "orphan")
	cmd.Stdout = os.Stdout
	return cmd.Start()
}

// fork starts children until it has n or is refused.
func fork(n string) error {
	many, err := strconv.Atoi(n)
	for range many {
		cmd := exec.Command("/proc/self/exe", "child", "one")
		cmd.Stdout = os.Stdout
		if err := cmd.Start(); err != nil {
			fmt.Println(err)
			break
		}
	}
	return errors.Join(err, wait(nil))
}

func child(name string) error {
	fmt.Println("child", name)
	time.Sleep(time.Hour)
	return nil
}

func eat(mib string) error {
	n, err := strconv.Atoi(mib)
	for range n {
		b := make([]byte, 1<<20)
		for i := range b {
			b[i] = 1
		}
		kept = append(kept, b)
	}
	fmt.Println("ate", n)
	return err
}

var kept [][]byte
