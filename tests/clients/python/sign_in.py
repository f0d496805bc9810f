"""Sign-in as Microsoft's own library does it, at the emulator instead of login.microsoftonline.com."""

from urllib.parse import urlsplit

from azure.identity import ClientSecretCredential


def credential(url, secret="someone-secret"):
    """A client credential whose authority is the emulator itself: an option for private clouds."""
    return ClientSecretCredential(
        tenant_id="contoso",
        client_id="someone",
        client_secret=secret,
        authority=f"https://{urlsplit(url).netloc}",
        disable_instance_discovery=True,
    )
