package event

// Errno is a Linux error number (include/uapi/asm-generic/errno.h), of those
// that decide anything here; ErrnoOther is any other.
type Errno uint16

const (
	EPERM         Errno = 1
	EINTR         Errno = 4
	EIO           Errno = 5
	EBADF         Errno = 9
	EAGAIN        Errno = 11
	EPIPE         Errno = 32
	ENOTSOCK      Errno = 88
	EAFNOSUPPORT  Errno = 97
	EADDRINUSE    Errno = 98
	EADDRNOTAVAIL Errno = 99
	ENETUNREACH   Errno = 101
	ECONNABORTED  Errno = 103
	ECONNRESET    Errno = 104
	EISCONN       Errno = 106
	ENOTCONN      Errno = 107
	ETIMEDOUT     Errno = 110
	ECONNREFUSED  Errno = 111
	EHOSTUNREACH  Errno = 113
	EALREADY      Errno = 114
	EINPROGRESS   Errno = 115
	ERESTART      Errno = 512 // ERESTARTSYS and its kin: the kernel starts the call again, or turns it into EINTR
	ErrnoOther    Errno = 4095
)

// String is the error's name in C; "an error" for any other. ERESTART, which is
// several, has none.
func (e Errno) String() string {
	switch e {
	case EPERM:
		return "EPERM"
	case EINTR:
		return "EINTR"
	case EIO:
		return "EIO"
	case EBADF:
		return "EBADF"
	case EAGAIN:
		return "EAGAIN"
	case EPIPE:
		return "EPIPE"
	case ENOTSOCK:
		return "ENOTSOCK"
	case EAFNOSUPPORT:
		return "EAFNOSUPPORT"
	case EADDRINUSE:
		return "EADDRINUSE"
	case EADDRNOTAVAIL:
		return "EADDRNOTAVAIL"
	case ENETUNREACH:
		return "ENETUNREACH"
	case ECONNABORTED:
		return "ECONNABORTED"
	case ECONNRESET:
		return "ECONNRESET"
	case EISCONN:
		return "EISCONN"
	case ENOTCONN:
		return "ENOTCONN"
	case ETIMEDOUT:
		return "ETIMEDOUT"
	case ECONNREFUSED:
		return "ECONNREFUSED"
	case EHOSTUNREACH:
		return "EHOSTUNREACH"
	case EALREADY:
		return "EALREADY"
	case EINPROGRESS:
		return "EINPROGRESS"
	}
	return "an error"
}
