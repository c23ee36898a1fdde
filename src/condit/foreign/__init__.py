"""What Condit relies on in other libraries, one file a library, each probed before it is used."""
