"""What every family of TCP/IP stacks shares: sessions, listeners, who owns which context. No command, no waiting."""
